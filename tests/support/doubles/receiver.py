"""A small HTTP server on loopback that answers, stalls, lies and redirects as told.

Each request is answered by the first of `script` that is left, and with 204 after that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.doubles.loopback import listening

Answer = Callable[["Handler"], None]

LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server, what came, and what it is to do next."""

    script: list[Answer] = field(default_factory=list)
    otherwise: Answer | None = None
    """Answer that is sent instead of 204."""
    received: list[Received] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)
    """Ends what is stalled; set at the end."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class Handler(BaseHTTPRequestHandler):
    """Handler of one request."""

    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        receiver = self.receiver
        receiver.received.append(Received(self.path, dict(self.headers.items()), body))
        chosen = receiver.script.pop(0) if receiver.script else receiver.otherwise
        with suppress(OSError):
            (chosen or answering(204))(self)

    do_GET = do_POST  # noqa: N815 - the name that http.server looks for

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def answering(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with a status, words and headers."""
    return lambda handler: handler.send(status, body, **headers)


def stall(handler: Handler) -> None:
    """Say nothing until the end of the test."""
    handler.receiver.stalled.set()
    handler.receiver.free.wait()
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Begin an answer that never ends, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.receiver.free.wait(0.02):
        handler.wfile.write(b"x")
    handler.close_connection = True


def garbage(handler: Handler) -> None:
    """Answer with no HTTP."""
    handler.wfile.write(b"\x00\xffnot a status line\r\n\r\n")
    handler.close_connection = True


def saying(head: bytes, *, endlessly: bytes = b"", pause_s: float = 0.0) -> Answer:
    """Send just these bytes and close, or go on with others for as long as somebody listens."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while endlessly and not handler.receiver.free.wait(pause_s):
            handler.wfile.write(endlessly)

    return answer


@contextmanager
def receiver(*script: Answer, port: int = 0) -> Iterator[Receiver]:
    """A receiver from its start to its end."""
    made = Receiver(list(script))
    handler = type("Bound", (Handler,), {"receiver": made})
    with listening(handler, port=port) as made.port:
        try:
            yield made
        finally:
            made.free.set()


def serving(
    content: bytes, *, etag: str = '"one"', cut_after: int | None = None, **headers: str
) -> Answer:
    """Serve a file, from where it is asked to go on with the same; `cut_after`: break off there."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and handler.headers.get("If-Range") == etag else 0
        rest = content[start:]
        handler.send_response(206 if start else 200)
        if start:
            told = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.send_header("Content-Range", told)
        handler.send_header("Content-Length", str(len(rest)))
        handler.send_header("ETag", etag)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(rest if cut_after is None else rest[:cut_after])
        handler.close_connection = True

    return answer
