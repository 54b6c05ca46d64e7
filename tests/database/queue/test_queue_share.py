"""How much of the queue one owner may take, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from shared import accounts, jobs
from shared.db import Database
from shared.errors import QueueFull
from shared.jobs import Outcome, QueueLimit
from shared.quotas.errors import QueueHoursShareFull, QueueShareFull
from shared.quotas.limits import OwnerLimits
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, at_once, quick_hashes

HALF = QueueLimit(1000.0, 1e6, 30.0, OwnerLimits(share=0.5))
"""A thousand seconds may wait, and of one owner a half of what others leave."""
TWO_JOBS = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(queued_jobs=2))


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def people(db: Database) -> list[str]:
    return [an_admin(db).id, a_person(db, "Bo").id, a_person(db, "Cai").id]


def submit(db: Database, owner_id: str, length_s: float, limit: QueueLimit = HALF) -> str:
    return factories.submit(db, owner_id=owner_id, told_s=length_s, limit=limit)


def test_one_owner_leaves_room_in_the_queue_to_the_others(db: Database, people: list[str]) -> None:
    anna, bo, cai = people
    submit(db, anna, 400)
    with pytest.raises(QueueHoursShareFull) as refused:
        submit(db, anna, 101)
    full = refused.value.full
    assert (full.held, full.most, refused.value.wanted) == (400, 500, 101)
    submit(db, anna, 100)
    submit(db, bo, 200)
    with pytest.raises(QueueShareFull):
        submit(db, bo, 51)
    submit(db, bo, 50)
    submit(db, cai, 100)
    with pytest.raises(QueueShareFull):
        submit(db, cai, 26)


def test_an_owner_with_nothing_waiting_may_have_one_of_any_length(
    db: Database, people: list[str]
) -> None:
    anna, bo, _ = people
    submit(db, anna, 800)
    with pytest.raises(QueueFull):  # the queue's own limit holds for everybody
        submit(db, bo, 201)
    submit(db, bo, 200)


def test_who_is_alone_may_fill_the_queue(db: Database) -> None:
    anna = an_admin(db).id
    submit(db, anna, 600)
    submit(db, anna, 400)
    with pytest.raises(QueueFull):
        submit(db, anna, 1)


def test_an_account_that_is_disabled_is_left_no_room(db: Database) -> None:
    anna, bo = an_admin(db).id, a_person(db).id
    submit(db, anna, 400)
    accounts.disable(db, bo)
    submit(db, anna, 600)


def test_hours_of_their_own_hold_whoever_else_is_there(db: Database) -> None:
    limit = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(queued_s=100))
    submit(db, "a", 60, limit)
    with pytest.raises(QueueShareFull):
        submit(db, "a", 41, limit)
    submit(db, "a", 40, limit)
    submit(db, "b", 500, limit)


def test_of_ten_at_once_only_those_are_taken_that_one_owner_may_have(
    db: Database, people: list[str]
) -> None:
    answers = at_once(*[partial(submit, db, people[0], 150)] * 10)
    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert sum(isinstance(answer, QueueShareFull) for answer in answers) == 7


def test_as_many_jobs_wait_as_one_owner_may_have(db: Database) -> None:
    answers = at_once(*[partial(submit, db, "a", 1, TWO_JOBS)] * 6)
    assert sum(isinstance(answer, str) for answer in answers) == 2
    submit(db, "b", 1, TWO_JOBS)
    factories.claim(db)
    factories.claim(db)
    factories.claim(db)
    assert submit(db, "a", 1, TWO_JOBS)


def test_trying_again_takes_no_more_than_the_share(db: Database) -> None:
    cancelled = [submit(db, "a", 1, TWO_JOBS) for _ in range(2)]
    jobs.cancel_all(db, owner_id="a", job_ids=cancelled)
    cancelled.append(submit(db, "a", 1, TWO_JOBS))
    jobs.cancel(db, owner_id="a", job_id=cancelled[-1])
    submit(db, "a", 1, TWO_JOBS)

    outcomes = jobs.retry_all(db, owner_id="a", job_ids=cancelled, limit=TWO_JOBS)
    assert sorted(outcomes.values()) == [Outcome.NO_ROOM, Outcome.NO_ROOM, Outcome.QUEUED]
    [refused, _] = [job for job, outcome in outcomes.items() if outcome is Outcome.NO_ROOM]
    with pytest.raises(QueueShareFull):
        jobs.retry(db, owner_id="a", job_id=refused, limit=TWO_JOBS)
    assert factories.status_of(db, refused, owner_id="a") is JobStatus.CANCELLED
    factories.claim(db)
    jobs.retry(db, owner_id="a", job_id=refused, limit=TWO_JOBS)


def test_when_to_come_again_follows_from_the_speed(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db)
    limit = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(queued_s=100, queued_jobs=2))
    submit(db, "a", 80, limit)
    with pytest.raises(QueueHoursShareFull) as hours:
        submit(db, "a", 100, limit)
    assert hours.value.free_in_s == pytest.approx(8)
    submit(db, "a", 20, limit)
    with pytest.raises(QueueShareFull) as count:
        submit(db, "a", 1, limit)
    assert count.value.free_in_s == pytest.approx(5)  # of 50 s each, the first
