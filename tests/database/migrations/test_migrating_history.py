"""An installation of before gets a readable history for the jobs that it has, on both databases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

import migrations
from shared import jobs
from shared.db import Database
from shared.errors import InternalError, UnsupportedMedia
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.factories import expire_lease, told

_KNOWN_OF_OLD = {
    *("submitted", "claimed", "lost", "retrying", "released"),
    *("completed", "failed", "cancelled", "retried"),
}
"""Events that the rows of jobs and attempts alone can tell."""


@pytest.fixture
def db(empty_database_url: str) -> Iterator[Database]:
    migrations.upgrade(empty_database_url)
    database = Database(empty_database_url)
    yield database
    database.dispose()


def as_of_before(db: Database) -> None:
    """The rows as version 0003 keeps them, upgraded."""
    url = db.engine.url.render_as_string(hide_password=False)
    db.engine.dispose()
    migrations.downgrade(url, "0003")
    migrations.upgrade(url)


def tick() -> None:
    time.sleep(0.005)  # SQLite keeps milliseconds, and in life no two steps share one


def lose(db: Database, *, most: int = 3) -> None:
    job_id = factories.claim(db).job_id
    tick()
    expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=most)
    tick()


def much_tried(db: Database, job_id: str) -> None:
    lose(db)
    jobs.release(db, factories.claim(db))
    tick()
    jobs.retry_later(db, factories.claim(db), InternalError(), max_attempts=3, delay_s=0)
    tick()
    factories.complete(db, factories.claim(db))


def failed_by_loss(db: Database, job_id: str) -> None:
    lose(db, most=2)
    lose(db, most=2)


def retried_after_a_failure(db: Database, job_id: str) -> None:
    jobs.fail(db, factories.claim(db), UnsupportedMedia())
    tick()
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
    tick()
    factories.complete(db, factories.claim(db))


def cancelled_while_it_waited(db: Database, job_id: str) -> None:
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)


def lost_and_cancelled_while_it_waited_again(db: Database, job_id: str) -> None:
    lose(db)
    cancelled_while_it_waited(db, job_id)


def cancelled_while_it_ran(db: Database, job_id: str) -> None:
    claim = factories.claim(db)
    cancelled_while_it_waited(db, job_id)
    tick()
    jobs.cancelled(db, claim)


def cancelled_after_its_worker_died(db: Database, job_id: str) -> None:
    claim = factories.claim(db)
    cancelled_while_it_waited(db, job_id)
    expire_lease(db, claim.job_id)
    jobs.expire_leases(db, max_attempts=3)


def running(db: Database, job_id: str) -> None:
    factories.claim(db)


LIVES: list[Callable[[Database, str], None]] = [
    much_tried,
    failed_by_loss,
    retried_after_a_failure,
    cancelled_while_it_waited,
    lost_and_cancelled_while_it_waited_again,
    cancelled_while_it_ran,
    cancelled_after_its_worker_died,
    running,
]


def test_what_old_rows_tell_is_what_would_have_been_told(db: Database) -> None:
    lives = {}
    for live in LIVES:
        job_id = factories.submit(db)
        tick()
        live(db, job_id)
        lives[job_id] = live
    lived = {job_id: told(db, job_id) for job_id in lives}

    as_of_before(db)
    for job_id, live in lives.items():
        expected = [event for event in lived[job_id] if event[0] in _KNOWN_OF_OLD]
        assert told(db, job_id) == expected, live.__name__
        events = jobs.get_history(db, owner_id=LOCAL_OWNER, job_id=job_id).events
        assert [event.at for event in events] == sorted(event.at for event in events)
        if events[-1].kind == "failed":
            assert events[-1].detail["code"] == "worker_lost"
            assert "The worker stopped" in events[-1].detail["message"]


def test_a_job_that_waits_over_an_upgrade_goes_on_with_its_history(db: Database) -> None:
    job_id = factories.submit(db)
    tick()
    lose(db)
    as_of_before(db)
    factories.complete(db, factories.claim(db))
    kinds = [kind for kind, _ in told(db, job_id)]
    assert kinds[:4] == ["submitted", "claimed", "lost", "claimed"]
    assert kinds[-1] == "completed"
    assert factories.status_of(db, job_id) == JobStatus.COMPLETED


def test_a_downgrade_loses_the_history_and_nothing_else(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    migrations.downgrade(db.engine.url.render_as_string(hide_password=False), "0003")
    with db.engine.connect() as connection:
        kept = connection.execute(text("SELECT id, status FROM jobs")).one()
        assert kept.id == job_id and kept.status == "completed"
        outcomes = connection.execute(text("SELECT outcome FROM attempts")).scalars()
        assert outcomes.all() == ["completed"]
