"""The change feed on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db import Database
from shared.feed import changes
from shared.feed.changes import ChangeFeed, TooFarBack
from shared.models import LOCAL_OWNER, JobEvent
from shared.states import EventKind
from tests.support import factories


def test_each_change_is_told_and_what_was_there_is_not(db: Database) -> None:
    before = factories.submit(db)
    feed = ChangeFeed(db, LOCAL_OWNER)
    assert feed.changed(most=9) == []
    one, other = factories.submit(db), factories.submit(db)
    factories.submit(db, owner_id="somebody else")
    assert feed.changed(most=9) == [one, other]
    assert feed.changed(most=9) == []
    factories.complete(db, factories.claim(db))
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=other)
    assert feed.changed(most=1) == [before]
    assert feed.changed(most=1) == [other]
    assert feed.changed(most=1) == []


def test_whoever_comes_back_misses_nothing(db: Database) -> None:
    place = ChangeFeed(db, LOCAL_OWNER).place
    first = factories.submit(db)
    feed = ChangeFeed(db, LOCAL_OWNER, place=place)
    assert feed.changed(most=9) == [first]
    second = factories.submit(db)
    assert second in ChangeFeed(db, LOCAL_OWNER, place=feed.place).changed(most=9)


def test_what_is_committed_late_is_told_for_a_minute(db: Database) -> None:
    """Two transactions: the one that got its number first ends last."""
    clock = [0.0]
    early = factories.submit(db)
    feed = ChangeFeed(db, LOCAL_OWNER, monotonic=lambda: clock[0])
    newest = feed._newest[0]
    add(db, newest + 2, early)
    assert feed.changed(most=9) == [early]
    add(db, newest + 1, early)
    assert feed.changed(most=9) == [early]
    clock[0] = 61.0
    assert feed.changed(most=9) == []
    clock[0] = 122.0
    assert feed.changed(most=9) == []
    assert feed.place.startswith(f"{newest + 2}-")


def test_a_number_that_is_given_again_is_another_event(db: Database) -> None:
    clock = [0.0]
    feed = ChangeFeed(db, LOCAL_OWNER, monotonic=lambda: clock[0])
    gone = factories.submit(db)
    assert feed.changed(most=9) == [gone]
    clock[0] = 61.0
    assert feed.changed(most=9) == []
    clock[0] = 122.0
    assert feed.changed(most=9) == []
    number = feed._newest[0]
    place = feed.place
    factories.delete(db, gone)
    fresh = factories.submit(db)
    with db.writing() as session:  # as SQLite does by itself
        session.execute(update(JobEvent).where(JobEvent.job_id == fresh).values(id=number))
    assert feed.changed(most=9) == [fresh]
    with pytest.raises(TooFarBack):
        ChangeFeed(db, LOCAL_OWNER, place=place)


def test_who_was_away_too_long_begins_anew(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ChangeFeed(db, LOCAL_OWNER).place
    for _ in range(3):
        factories.submit(db)
    monkeypatch.setattr(changes, "_MOST_NUMBERS", 2)
    for wrong in (place, "", "x", "1-1", "999999-1-000000000000"):
        with pytest.raises(TooFarBack):
            ChangeFeed(db, LOCAL_OWNER, place=wrong)


def add(db: Database, number: int, job_id: str) -> None:
    with db.writing() as session:
        session.add(JobEvent(id=number, job_id=job_id, kind=EventKind.SAVING))
