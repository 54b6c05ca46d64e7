"""The sweep of every worker, and what one of all sweeps for the others: what every worker would
find done costs the database nothing.

A row says who, and until when. A worker that stops, freezes or loses the database does not renew
it, and the next takes over. Two may sweep for a moment, which is harmless: each step of a sweep is
a transaction that another may have been quicker with.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import String, bindparam, func, literal_column, or_, select, text, update

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.jobs.scheduling.index_of_waiting import FOR_ANY, FOR_MODEL, Claimable, claimable_rows
from shared.jobs.workers import WorkerReport, note_worker
from shared.models import SweepTurn, WorkerSeen


class Duty(StrEnum):
    """Kind of work that one worker does for all."""

    JOBS = "jobs"
    """Leases that ran out, and what else is in the database alone."""
    STORAGE = "storage"
    """Removal of files; for workers that see the storage."""


_NEED_NOT_LAST = func.set_config("synchronous_commit", "off", literal_column("true"))
"""Setting of a transaction that need not outlive a power cut, such as the note that a worker was
alive a moment ago: the disk is not waited for."""

_SAID = "said_"
"""Prefix of the parameters that are columns, of which one is the model's folder and no name."""


@dataclass(frozen=True, slots=True)
class SweepStart:
    """State that a worker reads at the start of a sweep."""

    seen_at: datetime
    """Now, by the database's clock."""
    claimable: Claimable
    held: frozenset[str]
    """The duties that another worker has."""


def begin_sweep(db: Database, report: WorkerReport, *, most: int) -> SweepStart:
    """Store that a worker is alive, count what it may claim, up to `most` of either kind, and look
    whose turn it is, in one statement: of hundreds of workers each does it every few seconds."""
    said = report.stored()
    statement = _begin(db.is_sqlite, most, tuple(said))
    values = {_SAID + name: value for name, value in said.items()}
    values |= {"of": report.name, "model": report.model_name}
    while True:
        for seen_at, for_any, of_model, held, *_ in _rows(db, statement, values):
            duties = frozenset(filter(None, (held or "").split(",")))
            return SweepStart(seen_at, Claimable(for_any, of_model), duties)
        note_worker(db, report)


def _rows(db: Database, statement: Any, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
    if not db.is_sqlite:
        return db.exchange(statement, values)
    with db.writing_once() as session:
        return session.connection().execute(statement, values).all()


@cache
def _begin(is_sqlite: bool, most: int, said: tuple[str, ...]) -> Any:
    """`said`: the columns of the worker's row."""
    workers: Any = WorkerSeen.__table__
    together = func.group_concat if is_sqlite else func.string_agg
    others = select(together(SweepTurn.duty, literal_column("','"))).where(
        SweepTurn.worker != bindparam("of"), SweepTurn.until >= database_now()
    )
    return (
        workers.update()
        .where(workers.c.name == bindparam("of"))
        .values({"seen_at": database_now(), **{name: bindparam(_SAID + name) for name in said}})
        .returning(
            workers.c.seen_at,
            _count(claimable_rows(FOR_ANY, is_sqlite, most), "for_any"),
            _count(claimable_rows(FOR_MODEL, is_sqlite, most), "of_model"),
            others.scalar_subquery().label("held"),
            *([] if is_sqlite else [_NEED_NOT_LAST]),
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
    held: Collection[str] = (),
) -> frozenset[Duty]:
    """Take the turns at `duties` that `worker` has from now on for so long, and nobody else; `held`
    are those that another was found to have just now."""
    wanted = sorted(duty for duty in duties if duty.value not in held)
    if not wanted:
        return frozenset()  # as for most workers: SQLite's one writer is left alone
    may_take = or_(SweepTurn.worker == worker, SweepTurn.until < database_now())
    told = {"worker": worker, "until": database_now(for_s)}
    # An UPDATE is compiled once, an upsert each time; and the rows are mostly there.
    renewed = (
        update(SweepTurn)
        .where(SweepTurn.duty.in_([duty.value for duty in wanted]), may_take)
        .values(told)
        .returning(SweepTurn.duty)
        .execution_options(synchronize_session=False)
    )
    with db.writing_once() as session:
        taken = set(session.scalars(renewed))
    missing = [duty.value for duty in wanted if duty.value not in taken]
    if missing:
        with db.writing_once() as session:
            new = upsert(session, SweepTurn).values([{"duty": duty, **told} for duty in missing])
            taken |= set(
                session.scalars(
                    new.on_conflict_do_update(
                        index_elements=[SweepTurn.duty], set_=told, where=may_take
                    ).returning(SweepTurn.duty)
                )
            )
    return frozenset(map(Duty, taken))
