"""The list of jobs on a server, in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web.web_site import serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("list")) as stack:
        yield stack


@pytest.fixture
def db(server: Stack) -> Iterator[Database]:
    """The database; its jobs are deleted after the test."""
    database = Database(server.database_url)
    yield database
    for view in jobs.list_jobs(database, owner_id=LOCAL_OWNER, limit=200).jobs:
        if view.job.status in (JobStatus.PROCESSING, JobStatus.CANCELLING):
            factories.expire_lease(database, view.job.id)
            jobs.expire_leases(database, max_attempts=1)
        factories.delete(database, view.job.id)
    database.dispose()


@pytest.fixture
def page(server: Stack, hurried_context: BrowserContext) -> Iterator[Page]:
    opened = hurried_context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []
