"""Pages of the jobs that have a label and are in a state, where few have both."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import event, insert

from shared import jobs
from shared.annotations.labels import LabelKind, keys_of, label_key
from shared.db import Database
from shared.models import LOCAL_OWNER, Label
from shared.states import JobStatus
from tests.support import factories

JOBS = 24


@pytest.fixture
def job_ids(db: Database) -> list[str]:
    return [factories.submit(db) for _ in range(JOBS)]


def give(db: Database, tag: str, job_ids: list[str]) -> None:
    """Give jobs a tag, without what else happens when a person does."""
    folded = label_key(LabelKind.TAG, tag).folded
    with db.writing() as session:
        session.execute(
            insert(Label),
            [
                {
                    "owner_id": LOCAL_OWNER,
                    "kind": LabelKind.TAG.value,
                    "folded": folded,
                    "job_id": job_id,
                    "name": tag,
                }
                for job_id in job_ids
            ],
        )


def all_pages(db: Database, tag: str, statuses: list[JobStatus], limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = jobs.list_jobs(
            db,
            owner_id=LOCAL_OWNER,
            labels=keys_of(tag=tag),
            statuses=statuses,
            limit=limit,
            cursor=cursor,
        )
        found += [view.job.id for view in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            return found
        # One that ended early says so, and how far it came.
        assert (page.searched_to is None) == (len(page.jobs) == limit)


def all_steps(db: Database, tag: str, statuses: list[JobStatus], most: int) -> list[str]:
    """The same, as what is done with a whole list goes through it."""
    asked: dict[str, Any] = {"statuses": statuses, "labels": keys_of(tag=tag)}
    told = jobs.take_whole_list(db, owner_id=LOCAL_OWNER, **asked)
    whole = jobs.WholeList(LOCAL_OWNER, newest=told.newest, until=told.until, **asked)
    found: list[str] = []
    cursor = None
    while True:
        some, cursor = jobs.some_of_whole_list(
            db, whole, statuses=statuses, cursor=cursor, most=most
        )
        found += some
        if cursor is None:
            return found


@pytest.mark.parametrize("steps", [(1, 2), (1, 4, 16), (400,)])
def test_every_job_with_both_is_on_one_page(
    db: Database, job_ids: list[str], monkeypatch: pytest.MonkeyPatch, steps: tuple[int, ...]
) -> None:
    monkeypatch.setattr("shared.jobs.queries.page_ids._STEPS", steps)
    chance = random.Random(1)
    tagged = {"most": chance.sample(job_ids, 18), "few": chance.sample(job_ids, 4)}
    for tag, some in tagged.items():
        give(db, tag, some)
    cancelled = chance.sample(job_ids, 8)
    jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=cancelled)
    queued = set(job_ids) - set(cancelled)
    for tag, some in tagged.items():
        for statuses, among in (
            ([JobStatus.CANCELLED], set(cancelled)),
            ([JobStatus.QUEUED], queued),
            ([JobStatus.QUEUED, JobStatus.CANCELLED], set(job_ids)),
            ([JobStatus.FAILED], set()),
        ):
            expected = sorted(among & set(some), reverse=True)
            assert all_pages(db, tag, statuses, limit=5) == expected, (tag, statuses)
            assert all_steps(db, tag, statuses, most=5) == expected, (tag, statuses)


@pytest.mark.parametrize("common", ["label", "state"])
def test_few_are_looked_through_where_few_have_the_label_or_are_in_the_state(
    db: Database, job_ids: list[str], monkeypatch: pytest.MonkeyPatch, common: str
) -> None:
    monkeypatch.setattr("shared.jobs.queries.page_ids._STEPS", (4, 16))
    oldest = job_ids[:2]
    if common == "label":
        give(db, "t", job_ids)
        jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=oldest)
        statuses = [JobStatus.CANCELLED]
    else:
        give(db, "t", oldest)
        statuses = [JobStatus.QUEUED]
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert all_pages(db, "t", statuses, limit=50) == oldest[::-1]
    looked_through = [statement for statement in asked if "LIMIT 4" in statement]
    assert 1 <= len(looked_through) <= 2
    assert not [statement for statement in asked if "LIMIT 16" in statement]
