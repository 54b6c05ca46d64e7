"""One server for all tests of the speakers, and a meeting of three for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.db import Database
from tests.e2e.speakers.meeting import Meeting
from tests.support.speech.meeting import in_turn
from tests.support.stack import Stack
from tests.support.web.web_site import serving


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("speakers")) as stack:
        yield stack


@pytest.fixture
def meeting(server: Stack) -> Iterator[Meeting]:
    db = Database(server.database_url)
    opened = Meeting(server, db, in_turn(db, [1, 2, 1, 1, 3, 2]))
    yield opened
    db.dispose()
    assert opened.complaints == []
