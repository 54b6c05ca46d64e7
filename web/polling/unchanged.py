"""WSGI middleware that answers 304 to polls of which it knows that nothing has changed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.http import remove_entity_headers

from shared.jobs import RecentPositions
from web.monitoring.access_log import REQUEST_ID, note_request, number_request
from web.polling.answer_memory import AnswerMemory, Remembered
from web.polling.proof import NOTE, Proof, state_of
from web.services import Services

_POLLED = re.compile(r"/api/v1/jobs(/[0-9a-f-]{36})?|/fragments/jobs/[0-9a-f-]{36}")

_SEEN = "HTTP_IF_NONE_MATCH"

_READ = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "wsgi.url_scheme",
    "HTTP_HOST",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
)
"""Parts of a request that an answer to a poll may depend on, beside the ETag."""


def answer_unchanged_polls(app: Flask, here: Services) -> None:
    """Let polls that bring nothing new be answered by what is remembered.

    Call it before other middleware is set up: what proxies tell of the client is known inside it.
    """
    app.wsgi_app = _UnchangedPolls(app.wsgi_app, here)  # type: ignore[method-assign]


class _UnchangedPolls:
    def __init__(self, application: Any, here: Services) -> None:
        self._application = application
        self._here = here
        self._memory = AnswerMemory()
        self._positions = RecentPositions(here.db, seen_within_s=here.settings.worker_seen_within_s)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (
            _SEEN not in environ
            or environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or _POLLED.fullmatch(environ.get("PATH_INFO", "")) is None
        ):
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        began = time.monotonic()
        request = _digest(environ, environ[_SEEN])
        known = self._memory.find(request)
        if known is not None:
            if self._stands(known.proof):
                request_id = number_request()
                note_request(
                    environ,
                    endpoint=known.proof.endpoint,
                    status=304,
                    seconds=time.monotonic() - began,
                    account=known.proof.owner_id if known.proof.credential else None,
                )
                start_response("304 NOT MODIFIED", [*known.headers, (REQUEST_ID, request_id)])
                return []
            self._memory.forget(request)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._remember(environ, status, headers)
            return start_response(status, headers, *rest)

        answer = self._application(environ, start)
        return answer

    def _stands(self, proof: Proof) -> bool:
        if time.monotonic() >= proof.until:
            return False
        if state_of(self._here, proof.selection, proof.credential or proof.owner_id) != proof.state:
            return False
        # Of jobs at their end nobody is shown what other jobs and workers do.
        if proof.workers_alive is None and not proof.positions:
            return True
        return self._positions.hold(proof.workers_alive, proof.positions)

    def _remember(
        self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]]
    ) -> None:
        """Remember an answer under the request that a client which has it will send next."""
        proof = environ.pop(NOTE, None)
        kept = Headers(headers)
        if proof is None or "Set-Cookie" in kept or "ETag" not in kept:
            return
        if status.startswith("304"):
            seen = environ[_SEEN]
        elif status.startswith("200"):
            seen = kept["ETag"]
            remove_entity_headers(kept)
        else:
            return
        # The server gives each answer a date of its own, and each its number.
        del kept["Date"], kept[REQUEST_ID]
        self._positions.will_be_asked(proof.positions)
        self._memory.keep(_digest(environ, seen), Remembered(kept.to_wsgi_list(), proof))


def _digest(environ: dict[str, Any], seen: str) -> bytes:
    """Tell one request from another by a hash: what it proves its sender by is not kept."""
    read = [environ.get(name, "") for name in _READ]
    return hashlib.blake2b("\n".join([*read, seen]).encode(), digest_size=32).digest()
