"""A server inside the test's own process, asked through its WSGI interface, and its one worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from flask import Flask

from shared import jobs
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.web.web_app import database, make_app

ADDRESS = "http://127.0.0.1:8000"


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
