"""A whole list selected at once, on both databases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from shared import jobs
from shared.db import Database
from shared.jobs import Outcome, WholeList
from shared.models import LOCAL_OWNER
from shared.search import hits
from shared.states import JobStatus
from tests.support import factories

ENDED = (JobStatus.FAILED, JobStatus.CANCELLED)


def taken(db: Database, **asked: Any) -> WholeList:
    """All of the owner's list as it is now."""
    without = asked.pop("without", ())
    told = jobs.take_whole_list(db, owner_id=LOCAL_OWNER, **asked)
    return WholeList(
        LOCAL_OWNER, newest=told.newest, until=told.until, without=frozenset(without), **asked
    )


def jobs_of(
    db: Database, whole: WholeList, statuses: Collection[JobStatus] = tuple(JobStatus)
) -> list[str]:
    """Its jobs, two at a time."""
    found: list[str] = []
    cursor = None
    while True:
        some, cursor = jobs.some_of_whole_list(db, whole, statuses=statuses, cursor=cursor, most=2)
        found += some
        if cursor is None:
            return found


@pytest.mark.parametrize("query", [None, "wav"])
def test_it_has_what_the_list_has_page_after_page(db: Database, query: str | None) -> None:
    ended = [factories.a_job(db, status) for status in ENDED * 2]
    waiting = [factories.submit(db) for _ in range(5)]
    factories.submit(db, owner_id="b")
    assert jobs_of(db, taken(db, query=query)) == [*reversed(waiting), *reversed(ended)]
    some = taken(db, query=query, statuses=ENDED)
    assert jobs_of(db, some) == ended[::-1]
    assert jobs_of(db, some, [JobStatus.FAILED, JobStatus.QUEUED]) == ended[-2::-2]
    assert jobs_of(db, some, [JobStatus.QUEUED]) == []


def test_words_narrow_it_down_by_the_index_too(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits, "_FEW", 0)
    ids = [factories.submit(db, filename=f"{'ab'[n % 2]}.wav") for n in range(7)]
    whole = taken(db, query="a.wav")
    assert jobs_of(db, whole) == ids[::2][::-1]
    jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=ids[:1])
    assert jobs_of(db, whole, [JobStatus.QUEUED]) == ids[2::2][::-1]


def test_it_is_counted_before_anything_is_done(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(**asked: Any) -> tuple[dict[JobStatus, int], bool]:
        found = jobs.take_whole_list(db, owner_id=LOCAL_OWNER, **asked)
        return {status: count for status, count in found.counts.items() if count}, (
            found.all_counted
        )

    assert told() == ({}, True)
    for status in (*ENDED, JobStatus.QUEUED, JobStatus.QUEUED):
        factories.a_job(db, status, filename=f"{status}.wav")
    assert told() == ({**dict.fromkeys(ENDED, 1), JobStatus.QUEUED: 2}, True)
    assert told(statuses=ENDED) == (dict.fromkeys(ENDED, 1), True)
    assert told(query="queued") == ({JobStatus.QUEUED: 2}, True)
    monkeypatch.setattr(hits, "_FEW", 0)
    monkeypatch.setattr(hits, "MOST_COUNTED", 1)
    assert told(query="wav") == ({JobStatus.QUEUED: 1}, False)


def test_nothing_that_came_later_belongs_to_it(db: Database) -> None:
    failed, cancelled = (factories.a_job(db, status) for status in ENDED)
    left, claimed = factories.submit(db), factories.submit(db)
    whole = taken(db, without=[left])
    newer = factories.submit(db)
    assert jobs_of(db, whole) == [claimed, cancelled, failed]

    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=failed)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=claimed)
    assert jobs_of(db, whole) == [cancelled]
    assert jobs_of(db, taken(db)) == [newer, claimed, left, cancelled, failed]


def test_what_runs_by_now_still_belongs_to_it(db: Database) -> None:
    job_id = factories.submit(db)
    whole = taken(db)
    factories.claim(db)
    assert jobs_of(db, whole, jobs.CANCELLABLE) == [job_id]


def test_acting_step_by_step_reaches_each_once(db: Database) -> None:
    ids = [factories.submit(db) for _ in range(5)]
    whole, cursor, outcomes = taken(db), None, {}
    while True:
        some, cursor = jobs.some_of_whole_list(
            db, whole, statuses=jobs.DELETABLE, cursor=cursor, most=2
        )
        outcomes |= jobs.delete_all(
            db, factories.NotedDeletions(), owner_id=LOCAL_OWNER, job_ids=some
        )
        newer = factories.submit(db)
        if cursor is None:
            break
    assert outcomes == dict.fromkeys(ids, Outcome.DELETED)
    assert factories.status_of(db, newer) is JobStatus.QUEUED


def test_another_owners_list_is_not_reached_by_its_jobs(db: Database) -> None:
    factories.submit(db, owner_id="b")
    told = jobs.take_whole_list(db, owner_id="b")
    mine = WholeList(LOCAL_OWNER, newest=told.newest, until=told.until)
    assert jobs_of(db, mine) == []
