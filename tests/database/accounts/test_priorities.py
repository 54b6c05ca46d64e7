"""What becomes of raised priorities when their owner is no administrator any more."""

from __future__ import annotations

from shared import accounts, jobs
from shared.db import Database
from shared.errors import WorkerLost
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin


def priority(db: Database, job_id: str) -> int:
    return factories.row(db, job_id).priority


def test_jobs_of_who_ceases_to_be_administrator_go_before_no_others(db: Database) -> None:
    anna, bo = an_admin(db), a_person(db, is_admin=True)
    failed = factories.submit(db, owner_id=bo.id, priority=9)
    claimed = factories.claim(db)
    jobs.fail(db, claimed, WorkerLost())
    waiting = factories.submit(db, owner_id=bo.id, priority=5)
    later = factories.submit(db, owner_id=bo.id, priority=-5)
    hers = factories.submit(db, owner_id=anna.id, priority=7)

    accounts.set_admin(db, bo.id, False)
    assert [priority(db, one) for one in (failed, waiting, later, hers)] == [0, 0, -5, 7]
    assert jobs.retry(db, owner_id=bo.id, job_id=failed) is JobStatus.QUEUED
    assert priority(db, failed) == 0


def test_handed_over_to_who_is_none_they_go_before_no_others(db: Database) -> None:
    anna, bo = an_admin(db), a_person(db)
    urgent = factories.submit(db, owner_id=anna.id, priority=5)
    accounts.hand_over(db, from_owner=anna.id, to_owner=LOCAL_OWNER)
    assert priority(db, urgent) == 5  # without sign-in, whoever is there administers the server
    accounts.hand_over(db, from_owner=LOCAL_OWNER, to_owner=bo.id)
    assert priority(db, urgent) == 0
