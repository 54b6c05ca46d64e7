"""One server with a recording for all tests of reading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.db import Database
from shared.storage.local.folder import LocalFolder
from tests.e2e.reading.site import RECORDED_S, Site
from tests.support.databases.sqlite import migrated_file
from tests.support.speech import long_transcript
from tests.support.stack import Stack, running


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("reading")
    url = migrated_file(folder / "longscribe.db")
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0"}
    with running(Stack(folder / "stack", url, env)) as stack:
        stack.start_web()
        blobs = LocalFolder(folder / "stack" / "data" / "recordings", min_free_bytes=0)
        site = Site(stack, Database(url), blobs, "")
        site.job_id = site.add(long_transcript.tone(RECORDED_S))
        yield site
        site.db.dispose()


@pytest.fixture
def site(installed: Site) -> Iterator[Site]:
    """The site; fails if a browser logged an error during the test."""
    installed.complaints.clear()
    yield installed
    assert installed.complaints == []
