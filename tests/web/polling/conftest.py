"""Two applications over one database: as it is, and one that makes each answer anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MethodType

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.web.web_app import database, make_app

_OF_THE_MOMENT = ("Date", "Content-Length", "Set-Cookie", "X-Request-ID")
_PARTS_OF_THE_MOMENT = re.compile(
    rb'"eta_seconds":[0-9.]+|csrf-token" content="[^"]+"|csrf_token" value="[^"]+"'
)

Answer = tuple[int, list[tuple[str, str]], bytes]


@dataclass
class Polls:
    """A client of each application. Whatever the first is asked, both have to answer alike."""

    client: FlaskClient
    other: FlaskClient
    made: list[str]
    """The paths that the first application was asked for and did not answer from memory."""
    headers: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """The newest ETag of each path."""

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> TestResponse:
        """Poll with the newest ETag, as the clients of a page and of the API do."""
        sent = self.headers | headers
        if path in self.seen:
            sent = {"If-None-Match": self.seen[path], **sent}
        expected = self.other.open(path, method=method, headers=sent)
        answer = self.client.open(path, method=method, headers=sent)
        assert plain(answer) == plain(expected)
        if "ETag" in answer.headers:
            self.seen[path] = answer.headers["ETag"]
        return answer

    def settle(self, path: str) -> None:
        """Poll until the answer is remembered and has not changed."""
        self.ask(path)
        for _ in range(2):
            assert self.ask(path).status_code == 304
        self.made.clear()

    def is_remembered(self, path: str) -> bool:
        """Whether the next poll is answered 304 from memory."""
        self.made.clear()
        return self.ask(path).status_code == 304 and not self.made


def plain(answer: TestResponse) -> Answer:
    """An answer without what differs by the moment."""
    headers = sorted(
        # A tenth of the time that is left, so only that it is told.
        (name, "" if name == "Retry-After" else value)
        for name, value in answer.headers.items()
        if name not in _OF_THE_MOMENT
    )
    return answer.status_code, headers, _PARTS_OF_THE_MOMENT.sub(b"", answer.data)


@pytest.fixture
def make_polls(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Polls]]:
    apps: list[Flask] = []

    def make(**settings: str) -> Polls:
        # A worker is alive for three sweeps, and no test takes so long on any machine.
        app, other = (
            make_app(database_url, tmp_path, sweep_s=3600.0, **settings) for _ in range(2)
        )
        apps.extend((app, other))
        other.wsgi_app = MethodType(Flask.wsgi_app, other)  # type: ignore[method-assign]
        made: list[str] = []

        @app.after_request
        def note(response: Response) -> Response:
            made.append(request.path)
            return response

        return Polls(app.test_client(), other.test_client(), made)

    yield make
    for app in apps:
        database(app).dispose()


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is read for each answer, and no answer is made anew for its age."""
    monkeypatch.setattr("shared.jobs.eta.recent_positions.FRESH_S", 0.0)
    monkeypatch.setattr("shared.jobs.eta.recent_positions._SHARE_OF_TIME", 1e9)
    monkeypatch.setattr("shared.jobs.eta.recent_positions._ASKED_WITHIN_S", 3600.0)
    monkeypatch.setattr("web.api.jobs.views.API_MAX_AGE_S", 3600.0)
    monkeypatch.setattr("web.pages.job.page.PAGE_MAX_AGE_S", 3600.0)


@pytest.fixture
def polls(make_polls: Callable[..., Polls]) -> Polls:
    """Where nobody signs in."""
    return make_polls()
