"""Every migration that commits on its way, broken off at each of its statements."""

from __future__ import annotations

from tests.support.databases.broken_off import (
    break_off_and_go_on,
    revisions_that_commit_on_the_way,
)
from tests.support.databases.postgresql import new_database


def test_what_was_broken_off_is_done_by_the_next(postgresql_url: str) -> None:
    found = revisions_that_commit_on_the_way()
    assert len(found) > 5
    with new_database(postgresql_url) as url:
        for before, revision in found:
            break_off_and_go_on(url, before, revision)
