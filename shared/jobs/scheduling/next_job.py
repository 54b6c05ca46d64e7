"""Choice of the waiting job that is claimed next, at a cost that grows with the owners who wait and
not with the jobs.

Only the first job of each owner can be the next one. The index of what waits for any worker holds
each owner's jobs together and in order, so that its first job is one step in it, and the next owner
another. That of the jobs that name a model does so for each model, so jobs for other workers are
never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import String, TextClause, bindparam, select, text
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import hold_lock
from shared.jobs.scheduling.index_of_waiting import (
    DIALECTS,
    FOR_ANY,
    FOR_MODEL,
    IN_LINE,
    RUNS,
    Waiting,
    now,
    running_jobs,
)
from shared.jobs.tallies.audio import audio_seconds_sql
from shared.models import Job
from shared.states import JobStatus

_ONE_CLAIM_AT_A_TIME = 0x6C6F6E67_636C6169
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""

MANY_OWNERS = 1_000
"""Waiting owners from which on it costs less to look at all of the waiting jobs."""


@dataclass(frozen=True, slots=True)
class Room:
    """Lengths of recordings, in seconds, that a worker has room for."""

    longest_s: float
    """Largest length whose decoded sound fits into the work folder now."""
    beyond_all_s: float
    """Length in seconds beyond which recordings fit on no worker's disk, as far as their length is
    known. They are taken all the same: reading the recording tells whether that length is true, and
    why it cannot be done."""


def lock_next_job(
    session: Session, db: Database, room: Room | None = None, model: str | None = None
) -> str | None:
    """The id of the job to be claimed next, whose row is locked until this transaction ends; None
    if none may be taken now.

    One transaction at a time comes past here. Without that, all of several workers would choose
    the same job, and skip it and find nothing while thousands wait.
    """
    if db.is_sqlite:  # it has one writer, and this is it
        return next_job(session, db, room=room, model=model)
    hold_lock(session, _ONE_CLAIM_AT_A_TIME)
    held: list[str] = []  # by somebody who cancels or deletes them at this moment
    while (job_id := next_job(session, db, besides=held, room=room, model=model)) is not None:
        still_waits = (
            select(Job.id)
            .where(Job.id == job_id, Job.status == JobStatus.QUEUED.value)
            .with_for_update(skip_locked=True)
        )
        if session.scalar(still_waits) is not None:
            return job_id
        held.append(job_id)
    return None


def next_job(
    session: Session,
    db: Database,
    *,
    besides: Sequence[str] = (),
    room: Room | None = None,
    model: str | None = None,
) -> str | None:
    """The id of the waiting job whose turn it is, none of `besides`, and one that a worker of
    `model` with `room` can do; None without one.

    Higher priority first, then the owner with the fewest jobs running, then the one whose turn is
    the longest ago, then the longest waiting.  Without `model`, of those that name none.
    """
    passed: dict[str, Any] = {"besides": list(besides), "model": model, "many": MANY_OWNERS}
    if room is not None:
        passed |= {"longest_s": room.longest_s, "beyond_all_s": room.beyond_all_s}
    asked = db.is_sqlite, room is not None
    head = session.execute(_of_heads(*asked), passed).one()
    if names_model := bool(head.names_model):
        head = session.execute(_of_heads(*asked, names_model), passed).one()
    if head.owners <= MANY_OWNERS:
        job_id: str | None = head.id
    else:
        job_id = session.scalar(_of_all(*asked, names_model), passed)
    return job_id


def _indexes(of_model: bool) -> dict[str, Waiting]:
    """Indexes of the jobs that a worker may take, by names for their owners."""
    return {"owners": FOR_ANY} | ({"owners_of_model": FOR_MODEL} if of_model else {})


@cache
def _of_heads(is_sqlite: bool, fits: bool, of_model: bool = False) -> TextClause:
    """The first of what waits for any worker, and whether something waits that names `:model`; or
    `of_model` the first of both. To look for both costs more, and there seldom is anything."""
    indexes = _indexes(of_model)
    owners = ", ".join(_owners(is_sqlite, name, waiting) for name, waiting in indexes.items())
    heads = " UNION ALL ".join(
        f"""
        SELECT (
            SELECT id FROM {waiting.table(is_sqlite)}
            WHERE owner_id = {name}.owner_id AND {_may_be_taken(is_sqlite, fits, waiting)}
            ORDER BY {IN_LINE} LIMIT 1
        )
        FROM {name} WHERE owner_id IS NOT NULL"""
        for name, waiting in indexes.items()
    )
    most = " UNION ALL ".join(f"SELECT max(number) AS owners FROM {name}" for name in indexes)
    names_model = f"""EXISTS (
        SELECT 1 FROM {FOR_MODEL.table(is_sqlite, "named")}
        WHERE {FOR_MODEL.holds("named")} AND named.model = :model
    )"""
    return _statement(
        f"""
        WITH RECURSIVE {owners}, heads(id) AS MATERIALIZED ({heads})
        SELECT jobs.id, counted.owners, {"NULL" if of_model else names_model} AS names_model
        FROM (SELECT max(owners) AS owners FROM ({most}) AS each_index) AS counted
        LEFT JOIN heads ON true
        LEFT JOIN jobs ON jobs.id = heads.id
        ORDER BY jobs.id IS NULL, {", ".join(_order(is_sqlite))} LIMIT 1
        """
    )


def _owners(is_sqlite: bool, name: str, waiting: Waiting) -> str:
    """SQL for a table of the owners who have jobs in an index, up to one more than `many`; then
    null."""
    table, holds = waiting.table(is_sqlite), f"{waiting.holds()} {waiting.same_model}"
    first = f"ORDER BY {waiting.first_owner} LIMIT 1"
    return f"""
        {name}(owner_id, number) AS (
            SELECT (SELECT owner_id FROM {table} WHERE {holds} {first}), 1
            UNION ALL
            SELECT (
                SELECT owner_id FROM {table}
                WHERE {holds} AND owner_id > {name}.owner_id {first}
            ), number + 1
            FROM {name} WHERE owner_id IS NOT NULL AND number <= :many
        )"""


@cache
def _of_all(is_sqlite: bool, fits: bool, of_model: bool) -> TextClause:
    columns = ", ".join(
        f"{value} AS place_{number}" for number, value in enumerate(_order(is_sqlite))
    )
    places = ", ".join(f"place_{number}" for number in range(len(_order(is_sqlite))))
    firsts = " UNION ALL ".join(
        f"""
        SELECT * FROM (
            SELECT jobs.id, {columns} FROM {waiting.table(is_sqlite)}
            WHERE {_may_be_taken(is_sqlite, fits, waiting)}
            ORDER BY {places} LIMIT 1
        ) AS of_{name}"""
        for name, waiting in _indexes(of_model).items()
    )
    return _statement(f"SELECT id FROM ({firsts}) AS firsts ORDER BY {places} LIMIT 1")


def _statement(sql: str) -> TextClause:
    bound = [bindparam("besides", expanding=True, type_=String)]
    if ":model" in sql:
        bound.append(bindparam("model", type_=String))
    return text(sql).bindparams(*bound)


def _may_be_taken(is_sqlite: bool, fits: bool, waiting: Waiting) -> str:
    taken = (
        f"{waiting.holds()} {waiting.same_model} AND available_at <= {now(is_sqlite)} "
        "AND id NOT IN :besides"
    )
    if not fits:
        return taken
    length = audio_seconds_sql().compile(
        dialect=DIALECTS[is_sqlite], compile_kwargs={"literal_binds": True}
    )
    return f"""{taken} AND (
        SELECT {length} <= :longest_s OR {length} > :beyond_all_s
        FROM recordings WHERE recordings.id = jobs.recording_id
    )"""


def _order(is_sqlite: bool) -> tuple[str, ...]:
    return (
        "-jobs.priority",
        f"""(
            SELECT count(*) FROM {running_jobs(is_sqlite, "running")}
            WHERE running.owner_id = jobs.owner_id AND running.{RUNS}
        )""",
        "coalesce((SELECT number FROM turns WHERE turns.owner_id = jobs.owner_id), 0)",
        "jobs.queued_at",
        "jobs.id",
    )
