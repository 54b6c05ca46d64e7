"""One worker at a time sweeps for all, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from shared import jobs
from shared.db import Database, database_now
from shared.models import Job, SweepTurn
from tests.support import factories


def take(db: Database, worker: str, duty: jobs.Duty = jobs.Duty.JOBS) -> bool:
    return jobs.take_sweep_turns(db, [duty], worker=worker, for_s=60) == {duty}


def test_whoever_has_the_turn_keeps_it_as_long_as_it_comes_back(db: Database) -> None:
    assert take(db, "one")
    assert not take(db, "two")
    assert take(db, "one")
    assert take(db, "two", jobs.Duty.STORAGE)  # another's
    assert not take(db, "one", jobs.Duty.STORAGE)


def test_another_takes_over_from_one_who_does_not_come_back(db: Database) -> None:
    assert take(db, "one")
    with db.writing() as session:
        session.execute(update(SweepTurn).values(until=database_now(-1)))
    assert take(db, "two")
    assert not take(db, "one")


def begin(db: Database, worker: str, *, most: int = 5, **said: Any) -> jobs.SweepStart:
    report = jobs.WorkerReport(
        worker, hostname="h", model="m", device="cpu", started_at=datetime.now(UTC), **said
    )
    return jobs.begin_sweep(db, report, most=most)


def test_a_sweep_begins_by_saying_who_is_alive_and_what_it_can_do(db: Database) -> None:
    for obstacles, room in (((), 7), (("no_room", "redis"), None)):  # a new row, and the same again
        begun = begin(db, "one", obstacles=obstacles, work_room_bytes=room)
        [seen] = jobs.workers_seen(db, within_s=60)
        assert (seen.name, seen.model, seen.jobs_at_once) == ("one", "m", 1)
        assert (seen.obstacles, seen.work_room_bytes) == (obstacles, room)
        assert seen.seen_at == begun.seen_at


def test_a_sweep_begins_with_the_jobs_that_may_be_taken_now(db: Database) -> None:
    assert begin(db, "one").claimable == jobs.Claimable(0, 0)
    ids = [factories.submit(db) for _ in range(3)]
    begin(db, "another", model_name="large")
    factories.submit(db, model="large")
    with db.writing() as session:
        later = update(Job).where(Job.id == ids[0]).values(available_at=database_now(60))
        session.execute(later)
    assert begin(db, "one").claimable == jobs.Claimable(2, 0)
    assert begin(db, "one", most=1, model_name="large").claimable == jobs.Claimable(1, 1)
    assert begin(db, "one", model_name="small").claimable == jobs.Claimable(2, 0)


def test_a_sweep_begins_with_the_duties_that_another_has(db: Database) -> None:
    assert begin(db, "two").held == frozenset()
    for duty in jobs.Duty:
        assert take(db, "one", duty)
    assert begin(db, "one").held == frozenset()
    held = begin(db, "two").held
    assert held == set(jobs.Duty)
    assert not jobs.take_sweep_turns(db, jobs.Duty, worker="two", for_s=60, held=held)
    # What was found a moment ago may be over, or somebody else's by now.
    assert not jobs.take_sweep_turns(db, jobs.Duty, worker="two", for_s=60, held=())
    with db.writing() as session:
        session.execute(update(SweepTurn).values(until=database_now(-1)))
    assert begin(db, "two").held == frozenset()
    both = jobs.take_sweep_turns(db, jobs.Duty, worker="two", for_s=60, held=())
    assert both == set(jobs.Duty)


def test_of_twenty_at_once_one_has_it(db: Database) -> None:
    for _ in range(2):  # the row is new, and then one that has run out
        with ThreadPoolExecutor(20) as pool:
            had = list(pool.map(lambda number: take(db, f"worker {number}"), range(20)))
        assert sum(had) == 1
        with db.writing() as session:
            session.execute(update(SweepTurn).values(until=database_now(-1), worker="gone"))
