"""One worker of all sweeps: what every worker would find done costs the database nothing.

A row says who, and until when. A worker that stops, freezes or loses the database does not renew
it, and the next takes over. Two may sweep for a moment, which is harmless: each step of a sweep is
a transaction that another may have been quicker with.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from shared.db import Database, database_now
from shared.models import SweepTurn


class Duty(StrEnum):
    """What one worker does for all."""

    JOBS = "jobs"
    """Leases that ran out, and what else is in the database alone."""
    STORAGE = "storage"
    """What takes files away; for workers that see them."""


def take_sweep_turn(db: Database, duty: Duty, *, worker: str, for_s: float) -> bool:
    """Whether `worker` has this duty, from now on for so long: nobody else has it."""
    may_take = or_(SweepTurn.worker == worker, SweepTurn.until < database_now())
    with db.reading() as session:
        taken = session.execute(
            select(SweepTurn.duty, may_take.label("may_take")).where(SweepTurn.duty == duty.value)
        ).one_or_none()
    if taken is not None and not taken.may_take:
        return False  # a read, as for most workers, leaves SQLite's one writer alone
    values = {"worker": worker, "until": database_now(for_s)}
    with db.writing() as session:
        if taken is None:
            insert = sqlite.insert if db.is_sqlite else postgresql.insert
            added = insert(SweepTurn).values(duty=duty.value, **values).on_conflict_do_nothing()
            return session.scalar(added.returning(SweepTurn.duty)) is not None
        mine = (
            update(SweepTurn)
            .where(SweepTurn.duty == duty.value, may_take)
            .values(**values)
            .returning(SweepTurn.duty)
            .execution_options(synchronize_session=False)
        )
        return session.scalar(mine) is not None
