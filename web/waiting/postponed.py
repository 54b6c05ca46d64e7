"""Answers whose status depends on how a job ends: the view is called again once that is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request

from web.waiting import BEGAN, POSTPONED
from web.waiting.wait_for_changes import Wait


@dataclass(frozen=True, slots=True)
class Postponed:
    """An answer that waits until its job is at its end, or until a time.

    `asked` is what the view has read of the request, which has no body the second time.
    """

    wait: Wait
    until: float
    """Time at which the answer is made in any case, on the monotonic clock."""
    asked: Any

    def rest(self) -> Iterator[bytes]:
        """Wait, as `Wait.until_change` does."""
        while (
            not (self.wait.is_over or self.wait.is_stopping)
            and (rest_s := self.until - time.monotonic()) > 0
        ):
            yield from self.wait.until_change(rest_s)


def postpone(answer: Postponed) -> Response:
    """Call this view again when the wait is over; what is returned is not sent."""
    request.environ[POSTPONED] = answer
    return Response(status=202)


def postponed() -> Postponed | None:
    """State that this view saved when it postponed its answer, where it is called again."""
    found: Postponed | None = request.environ.get(POSTPONED)
    return found


def answer_postponed(app: Flask) -> None:
    """Let views postpone their answers. Call it before other middleware is set up, which then sees
    the answer and not that it was postponed."""
    app.wsgi_app = _Postponing(app.wsgi_app)  # type: ignore[method-assign]


class _Postponing:
    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        environ[BEGAN] = time.monotonic()
        started: list[Any] = []

        def hold(*status_and_headers: Any) -> None:
            started[:] = status_and_headers

        answer = self._application(environ, hold)
        found = environ.get(POSTPONED)
        if found is None:
            start_response(*started)
            return answer
        _close(answer)
        return self._later(environ, start_response, found)

    def _later(
        self, environ: dict[str, Any], start_response: Callable[..., Any], found: Postponed
    ) -> Iterator[bytes]:
        with found.wait:
            yield from found.rest()
        answer = self._application(environ, start_response)
        try:
            yield from answer
        finally:
            _close(answer)


def _close(answer: Iterable[bytes]) -> None:
    close = getattr(answer, "close", None)
    if close is not None:
        close()
