"""One worker at a time sweeps for all, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import update

from shared import jobs
from shared.db import Database, database_now
from shared.models import SweepTurn


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


def test_of_twenty_at_once_one_has_it(db: Database) -> None:
    for _ in range(2):  # the row is new, and then one that has run out
        with ThreadPoolExecutor(20) as pool:
            had = list(pool.map(lambda number: take(db, f"worker {number}"), range(20)))
        assert sum(had) == 1
        with db.writing() as session:
            session.execute(update(SweepTurn).values(until=database_now(-1), worker="gone"))
