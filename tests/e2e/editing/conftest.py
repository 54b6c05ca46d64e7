"""One server for all tests of correcting, and a completed job for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.db import Database
from shared.states import JobStatus
from tests.e2e.editing.desk import Desk
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web.web_site import serving


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("editing")) as stack:
        yield stack


@pytest.fixture
def desk(server: Stack) -> Iterator[Desk]:
    db = Database(server.database_url)
    opened = Desk(server, db, factories.a_job(db, JobStatus.COMPLETED))
    yield opened
    db.dispose()
    assert opened.complaints == []
