"""A server for each file of tests of sending, a line for each test, and a large recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from shared import jobs
from shared.db import Database
from shared.models import Upload
from tests.e2e.upload.site import LARGE, Site
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web import tus_client
from tests.support.web.cut_line import Line
from tests.support.web.tus_client import MIB
from tests.support.web.web_site import serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(
        tmp_path_factory.mktemp("upload"), LONGSCRIBE_MAX_UPLOAD_BYTES=str(100 * MIB)
    ) as stack:
        yield stack


@pytest.fixture
def site(server: Stack) -> Iterator[Site]:
    """Without jobs and uploads, behind a line of its own."""
    db = Database(server.database_url)
    opened = Site(server, db, Line(server.port))
    yield opened
    opened.line.close()
    for view in jobs.list_jobs(db, owner_id="local", limit=100).jobs:
        factories.delete(db, view.job.id)
    with db.writing() as session:
        session.execute(delete(Upload))
    db.dispose()
    assert opened.complaints == []


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "讲座 lecture.wav"
    path.write_bytes(tus_client.Recording(LARGE, seed=11).all())
    return path
