"""Public address of moto's server, as browsers reach one: it notes their requests, and lets
presigned addresses expire when a test says so, since moto takes those of any age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


@dataclass
class PublicAddress:
    endpoint: str = ""
    ranges: list[str] = field(default_factory=list)
    """Range headers of the requests, in order."""
    refused: int = 0
    """Number of requests that were refused."""
    _seen: set[str] = field(default_factory=set)
    _expired: set[str] = field(default_factory=set)
    _is_closed: bool = False

    def expire(self) -> None:
        """Let every address that was used so far expire."""
        self._expired |= self._seen

    def close(self) -> None:
        """Refuse every address from now on, as one that no browser can reach."""
        self._is_closed = True

    def _may_pass(self, environ: dict[str, Any]) -> bool:
        (signature,) = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Signature", [""])
        self.ranges.append(environ.get("HTTP_RANGE", ""))
        if self._is_closed or not signature or signature in self._expired:
            self.refused += 1
            return False
        self._seen.add(signature)
        return True


@contextmanager
def public_address() -> Iterator[PublicAddress]:
    """Serve the objects of this process's moto server at another port."""
    there = PublicAddress()
    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if there._may_pass(environ):
            return moto(environ, start)  # type: ignore[no-any-return]
        start("403 Forbidden", [("Content-Type", "application/xml")])
        return [b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"]

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    there.endpoint = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield there
    server.shutdown()
    server.server_close()
