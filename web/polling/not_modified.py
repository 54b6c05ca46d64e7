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
from web.polling.answer_cache import AnswerCache, CachedAnswer
from web.polling.cache_dependencies import ENVIRON_KEY, Dependencies, state_of
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
    """Let polls that bring nothing new be answered 304 from a cache.

    Call it before other middleware is set up: what proxies tell of the client is known inside it.
    """
    app.wsgi_app = _NotModified(app.wsgi_app, here)  # type: ignore[method-assign]


class _NotModified:
    def __init__(self, application: Any, here: Services) -> None:
        self._application = application
        self._here = here
        self._cache = AnswerCache()
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
        known = self._cache.find(request)
        if known is not None:
            if self._are_unchanged(known.dependencies):
                request_id = number_request()
                note_request(
                    environ,
                    endpoint=known.dependencies.endpoint,
                    status=304,
                    seconds=time.monotonic() - began,
                    account=known.dependencies.owner_id if known.dependencies.credential else None,
                )
                start_response("304 NOT MODIFIED", [*known.headers, (REQUEST_ID, request_id)])
                return []
            self._cache.forget(request)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._keep(environ, status, headers)
            return start_response(status, headers, *rest)

        answer = self._application(environ, start)
        return answer

    def _are_unchanged(self, dependencies: Dependencies) -> bool:
        if time.monotonic() >= dependencies.expires_at:
            return False
        if (
            state_of(
                self._here, dependencies.selection, dependencies.credential or dependencies.owner_id
            )
            != dependencies.state
        ):
            return False
        # Of jobs at their end nobody is shown what other jobs and workers do.
        if dependencies.workers_alive is None and not dependencies.positions:
            return True
        return self._positions.hold(dependencies.workers_alive, dependencies.positions)

    def _keep(self, environ: dict[str, Any], status: str, headers: list[tuple[str, str]]) -> None:
        """Keep an answer under the request that a client which has it will send next."""
        dependencies = environ.pop(ENVIRON_KEY, None)
        kept = Headers(headers)
        if dependencies is None or "Set-Cookie" in kept or "ETag" not in kept:
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
        self._positions.will_be_asked(dependencies.positions)
        self._cache.keep(_digest(environ, seen), CachedAnswer(kept.to_wsgi_list(), dependencies))


def _digest(environ: dict[str, Any], seen: str) -> bytes:
    """Tell one request from another by a hash: what it proves its sender by is not kept."""
    read = [environ.get(name, "") for name in _READ]
    return hashlib.blake2b("\n".join([*read, seen]).encode(), digest_size=32).digest()
