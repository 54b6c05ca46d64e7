"""A server inside the test's own process, asked through its WSGI interface, and its one worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from click.testing import Result
from flask import Flask
from typer.testing import CliRunner

from longscribe_client.connection import Connection
from shared import jobs
from shared.cli.remote import commands, session
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.web.web_app import database, make_app

ADDRESS = "http://127.0.0.1:8000"
UNKNOWN = "01930000-0000-7000-8000-000000000000"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path / "server")
    yield made
    database(made).dispose()


@pytest.fixture
def transport(app: Flask) -> httpx2.BaseTransport:
    return httpx2.WSGITransport(app)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder to watch, with nothing in it yet."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def lying_in(folder: Path) -> list[str]:
    """The names in a folder, but for hidden ones."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def work_off(db: Database) -> None:
    """Work on all jobs that wait: what is called bad fails, all else has the same transcript."""
    while claimed := jobs.claim_next(db, worker="worker", lease_s=60, model="demo"):
        if claimed.filename.startswith("bad"):
            jobs.fail(db, claimed, UnsupportedMedia())
        else:
            factories.complete(db, claimed)


def all_names(db: Database) -> list[str]:
    listed = jobs.list_jobs(db, owner_id=LOCAL_OWNER, limit=100).jobs
    return sorted(view.job.recording.filename for view in listed)


class Line(httpx2.BaseTransport):
    """A line to the server that breaks in the middle of an upload, as often as is wanted."""

    def __init__(self, app: Flask) -> None:
        self._wsgi = httpx2.WSGITransport(app)
        self.breaks = 0
        self.sent: list[int] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method != "PATCH":
            return self._wsgi.handle_request(request)
        body = request.read()
        self.sent.append(len(body))
        if not self.breaks:
            return self._wsgi.handle_request(request)
        self.breaks -= 1
        # The server is told the whole length, and half of it arrives.
        half = httpx2.Request(
            "PATCH", request.url, headers=request.headers, content=body[: len(body) // 2]
        )
        half.headers["Content-Length"] = str(len(body))
        self._wsgi.handle_request(half)
        raise httpx2.ReadError("the line is gone")


@pytest.fixture
def line(app: Flask) -> Line:
    return Line(app)


def waiting_by(sleep: Callable[[float], None]) -> SimpleNamespace:
    """The clock of the commands alone: the server's threads sleep by the real one."""
    return SimpleNamespace(sleep=sleep, monotonic=time.monotonic)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, line: Line, rows: Database, tmp_path: Path
) -> Iterator[Any]:
    """Run a command; while it waits, the worker works. Its pauses take no time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pauses: list[float] = []
    monkeypatch.setattr(
        session,
        "Connection",
        partial(Connection, transport=line, sleep=pauses.append, monotonic=lambda: sum(pauses)),
    )
    monkeypatch.setattr(commands, "time", waiting_by(lambda _: work_off(rows)))

    def invoke(*args: str) -> Result:
        return CliRunner().invoke(commands.app, list(args))

    yield invoke


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "周会.wav"
    path.write_bytes(b"sound" * 1000)
    return path
