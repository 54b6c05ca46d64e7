"""The sweep of every worker, and what one of all sweeps for the others: what every worker would
find done costs the database nothing.

A row says who, and until when. A worker that stops, freezes or loses the database does not renew
it, and the next takes over. Two may sweep for a moment, which is harmless: each step of a sweep is
a transaction that another may have been quicker with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import String, bindparam, func, or_, select, text

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.jobs.turns.index_of_waiting import FOR_ANY, FOR_MODEL, Claimable, claimable_rows
from shared.jobs.workers import WorkerReport, note_worker
from shared.models import SweepTurn, WorkerSeen


class Duty(StrEnum):
    """What one worker does for all."""

    JOBS = "jobs"
    """Leases that ran out, and what else is in the database alone."""
    STORAGE = "storage"
    """What takes files away; for workers that see them."""


_SAID = "said_"
"""Before the parameters that are columns, of which one is the model's folder and no name."""


@dataclass(frozen=True, slots=True)
class SweepStart:
    """What a worker finds at the start of a sweep."""

    seen_at: datetime
    """Now, by the database's clock."""
    claimable: Claimable
    held: frozenset[str]
    """The duties that another worker has."""


def begin_sweep(db: Database, report: WorkerReport, *, most: int) -> SweepStart:
    """Store that a worker is alive, count what it may claim, up to `most` of either kind, and look
    whose turn it is, in one statement: of hundreds of workers each does it every few seconds."""
    said = report.stored()
    statement = _begin(db.is_sqlite, tuple(said))
    values = {_SAID + name: value for name, value in said.items()}
    values |= {"of": report.name, "most": most, "model": report.model_name}
    while True:
        with db.writing_once() as session:
            row = session.connection().execute(statement, values).one_or_none()
        if row is not None:
            held = frozenset(filter(None, (row.held or "").split(",")))
            return SweepStart(row.seen_at, Claimable(row.for_any, row.of_model), held)
        note_worker(db, **asdict(report))


@cache
def _begin(is_sqlite: bool, said: tuple[str, ...]) -> Any:
    """`said`: the columns of the worker's row."""
    workers: Any = WorkerSeen.__table__
    others = select(func.aggregate_strings(SweepTurn.duty, ",")).where(
        SweepTurn.worker != bindparam("of"), SweepTurn.until >= database_now()
    )
    return (
        workers.update()
        .where(workers.c.name == bindparam("of"))
        .values({"seen_at": database_now(), **{name: bindparam(_SAID + name) for name in said}})
        .returning(
            workers.c.seen_at,
            _count(claimable_rows(FOR_ANY, is_sqlite), "for_any"),
            _count(claimable_rows(FOR_MODEL, is_sqlite), "of_model"),
            others.scalar_subquery().label("held"),
        )
    )


def _count(rows: str, name: str) -> Any:
    some = text(f"({rows}) AS {name}_rows")
    if ":model" in rows:
        some = some.bindparams(bindparam("model", type_=String))
    return select(func.count()).select_from(some).scalar_subquery().label(name)


def take_sweep_turns(
    db: Database,
    duties: Collection[Duty],
    *,
    worker: str,
    for_s: float,
    held: Collection[str] | None = None,
) -> frozenset[Duty]:
    """Those of `duties` that `worker` has from now on for so long, and nobody else; `held` are
    those that another was found to have just now."""
    may_take = or_(SweepTurn.worker == worker, SweepTurn.until < database_now())
    if held is None:
        with db.reading_once() as session:
            held = session.scalars(select(SweepTurn.duty).where(~may_take)).all()
    wanted = sorted(duty for duty in duties if duty.value not in held)
    if not wanted:
        return frozenset()  # a read, as for most workers, leaves SQLite's one writer alone
    until = database_now(for_s)
    with db.writing_once() as session:
        taken = session.scalars(
            upsert(session, SweepTurn)
            .values([{"duty": duty.value, "worker": worker, "until": until} for duty in wanted])
            .on_conflict_do_update(
                index_elements=[SweepTurn.duty],
                set_={"worker": worker, "until": until},
                where=may_take,
            )
            .returning(SweepTurn.duty)
        )
        return frozenset(map(Duty, taken))
