"""Tallies of the bytes that owners have stored stay what summing would find, on both databases."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import func, select, text, update

from shared import accounts, jobs
from shared.db import Database
from shared.models import Job, Recording, StoredTally
from shared.storage import space_reservations, stored_bytes
from shared.storage.stored_bytes import StoredDrift
from tests.support import factories
from tests.support.factories import NotedDeletions

OWNERS = ["a", "b"]


def by_summing(db: Database) -> dict[str, int]:
    stored = Recording.size_bytes + func.coalesce(Recording.playable_bytes, 0)
    with db.reading() as session:
        rows = session.execute(
            select(Recording.owner_id, func.sum(stored)).group_by(Recording.owner_id)
        )
        return {owner_id: int(total) for owner_id, total in rows}


def by_tallies(db: Database) -> dict[str, int]:
    with db.reading() as session:
        return stored_bytes.stored_bytes(session)


def store(db: Database, owner_id: str, size_bytes: int) -> None:
    blob = replace(factories.a_blob(), size_bytes=size_bytes)
    factories.submit(db, owner_id=owner_id, blob=blob)


def live(db: Database, chance: random.Random, steps: int) -> None:
    """What makes recordings larger, other people's and go away, in any order."""
    for _ in range(steps):
        owner_id = chance.choice(OWNERS)
        step = chance.randrange(6)
        if step < 3:
            store(db, owner_id, chance.randrange(1, 10**10))
        elif step == 3:
            # Several rows at once, in no order, could make two wait for each other.
            newest = select(func.max(Recording.id)).where(Recording.owner_id == owner_id)
            copy = update(Recording).where(Recording.id == newest.scalar_subquery())
            with db.writing() as session:
                session.execute(copy.values(playable_bytes=chance.randrange(10**9)))
        elif step == 4:
            with db.reading() as session:
                ids = session.scalars(select(Job.id).where(Job.owner_id == owner_id)).all()
            some = chance.sample(ids, min(len(ids), 2))
            jobs.delete_all(db, NotedDeletions(), owner_id=owner_id, job_ids=some)
        else:
            jobs.fold(db)


def test_whatever_happens_to_recordings_is_summed(db: Database) -> None:
    live(db, random.Random(1), 60)
    assert by_tallies(db) == by_summing(db) == space_reservations.held_by_owner(db)
    accounts.hand_over(db, from_owner="a", to_owner="b")
    assert by_tallies(db) == by_summing(db)
    assert stored_bytes.find_drift(db) == []


def test_whatever_several_do_at_once_is_summed_while_another_folds(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: live(db, random.Random(number), 15), range(4)))
    jobs.fold(db)
    assert by_tallies(db) == by_summing(db)
    with db.reading() as session:
        assert session.scalar(select(func.count()).where(~StoredTally.is_sum)) == 0


def test_what_was_changed_behind_the_triggers_is_found_and_summed_again(db: Database) -> None:
    store(db, "a", 500)
    with db.writing() as session:
        session.execute(update(StoredTally).values(bytes=StoredTally.bytes - 200))
    assert stored_bytes.find_drift(db) == [StoredDrift("a", 200)]
    assert stored_bytes.recount(db) == [StoredDrift("a", 200)]
    assert stored_bytes.find_drift(db) == []
    with db.writing() as session:
        session.execute(text("DELETE FROM stored_tallies"))
    stored_bytes.recount(db)
    assert by_tallies(db) == {"a": 500}
