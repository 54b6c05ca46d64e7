"""One worker of all sweeps: what every worker would find done costs the database nothing.

A row says who, and until when. A worker that stops, freezes or loses the database does not renew
it, and the next takes over. Two may sweep for a moment, which is harmless: each step of a sweep is
a transaction that another may have been quicker with.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import or_, select

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.models import SweepTurn


class Duty(StrEnum):
    """What one worker does for all."""

    JOBS = "jobs"
    """Leases that ran out, and what else is in the database alone."""
    STORAGE = "storage"
    """What takes files away; for workers that see them."""


def take_sweep_turns(
    db: Database, duties: Collection[Duty], *, worker: str, for_s: float
) -> frozenset[Duty]:
    """Those of `duties` that `worker` has from now on for so long, and nobody else."""
    may_take = or_(SweepTurn.worker == worker, SweepTurn.until < database_now())
    with db.reading_once() as session:
        rows = session.execute(select(SweepTurn.duty, may_take.label("may_take"))).all()
    free = {row.duty: row.may_take for row in rows}
    wanted = sorted(duty for duty in duties if free.get(duty.value, True))
    if not wanted:
        return frozenset()  # a read, as for most workers, leaves SQLite's one writer alone
    until = database_now(for_s)
    with db.writing() as session:
        return frozenset(
            duty
            for duty in wanted
            if session.scalar(
                upsert(session, SweepTurn)
                .values(duty=duty.value, worker=worker, until=until)
                .on_conflict_do_update(
                    index_elements=[SweepTurn.duty],
                    set_={"worker": worker, "until": until},
                    where=may_take,
                )
                .returning(SweepTurn.duty)
            )
        )
