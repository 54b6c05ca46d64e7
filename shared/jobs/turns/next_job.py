"""Which waiting job is next, at a cost that grows with the owners who wait and not with the jobs.

Only the first job of each owner can be the next one. The index of what waits holds each owner's
jobs together and in order, so that its first job is one step in it, and the next owner another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Dialect, String, TextClause, bindparam, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.jobs.eta.throughput import audio_seconds_sql
from shared.models import Job
from shared.models.base import in_state
from shared.states import RUNNING, JobStatus

_ONE_CLAIM_AT_A_TIME = 0x6C6F6E67_636C6169
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""

MANY_OWNERS = 1_000
"""From so many waiting owners on it costs less to look at all of the waiting jobs."""

_DIALECTS: dict[bool, Dialect] = {True: sqlite.dialect(), False: postgresql.dialect()}  # type: ignore[no-untyped-call]

_QUEUED = in_state("status", JobStatus.QUEUED)
_RUNNING = in_state("status", *RUNNING)


@dataclass(frozen=True, slots=True)
class Room:
    """Which recordings a worker has room for, by their length in seconds."""

    longest_s: float
    """Their decoded sound fits into the work folder now."""
    beyond_all_s: float
    """Longer ones fit on no worker's disk, as far as their length is known. They are taken all the
    same: reading the recording tells whether that length is true, and why it cannot be done."""


def lock_next_job(session: Session, db: Database, room: Room | None = None) -> str | None:
    """The id of the job to be claimed next, whose row is locked until this transaction ends; None
    if none may be taken now.

    One transaction at a time comes past here. Without that, all of several workers would choose
    the same job, and skip it and find nothing while thousands wait.
    """
    if db.is_sqlite:  # it has one writer, and this is it
        return next_job(session, db, room=room)
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_CLAIM_AT_A_TIME})
    held: list[str] = []  # by somebody who cancels or deletes them at this moment
    while (job_id := next_job(session, db, besides=held, room=room)) is not None:
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
    session: Session, db: Database, *, besides: Sequence[str] = (), room: Room | None = None
) -> str | None:
    """The id of the waiting job whose turn it is, none of `besides`, and one that a worker with
    `room` can do; None without one.

    Higher priority first, then the owner with the fewest jobs running, then the one whose turn is
    the longest ago, then the longest waiting.
    """
    passed: dict[str, Any] = {"besides": list(besides)}
    if room is not None:
        passed |= {"longest_s": room.longest_s, "beyond_all_s": room.beyond_all_s}
    fits = room is not None
    head = session.execute(_of_heads(db.is_sqlite, fits), passed | {"many": MANY_OWNERS}).one()
    if head.owners <= MANY_OWNERS:
        job_id: str | None = head.id
    else:
        job_id = session.scalar(_of_all(db.is_sqlite, fits), passed)
    return job_id


@cache
def _of_heads(is_sqlite: bool, fits: bool) -> TextClause:
    waiting = _indexed(is_sqlite, "jobs_waiting")
    return _statement(
        f"""
        WITH RECURSIVE owners(owner_id, number) AS (
            SELECT (
                SELECT owner_id FROM jobs {waiting} WHERE {_QUEUED} ORDER BY owner_id LIMIT 1
            ), 1
            UNION ALL
            SELECT (
                SELECT owner_id FROM jobs {waiting}
                WHERE {_QUEUED} AND owner_id > owners.owner_id ORDER BY owner_id LIMIT 1
            ), number + 1
            FROM owners WHERE owner_id IS NOT NULL AND number <= :many
        ), heads(id) AS MATERIALIZED (
            SELECT (
                SELECT id FROM jobs {waiting}
                WHERE owner_id = owners.owner_id AND {_may_be_taken(is_sqlite, fits)}
                ORDER BY -priority, queued_at, id LIMIT 1
            )
            FROM owners WHERE owner_id IS NOT NULL
        )
        SELECT jobs.id, counted.owners
        FROM (SELECT max(number) AS owners FROM owners) AS counted
        LEFT JOIN heads ON true
        LEFT JOIN jobs ON jobs.id = heads.id
        ORDER BY jobs.id IS NULL, {_order(is_sqlite)} LIMIT 1
        """
    )


@cache
def _of_all(is_sqlite: bool, fits: bool) -> TextClause:
    return _statement(
        f"""
        SELECT jobs.id
        FROM jobs {_indexed(is_sqlite, "jobs_waiting")}
        WHERE {_may_be_taken(is_sqlite, fits)}
        ORDER BY {_order(is_sqlite)} LIMIT 1
        """
    )


def _statement(sql: str) -> TextClause:
    return text(sql).bindparams(bindparam("besides", expanding=True, type_=String))


def _indexed(is_sqlite: bool, index: str) -> str:
    """Without its statistics SQLite takes whichever index begins with the same column."""
    return f"INDEXED BY {index}" if is_sqlite else ""


def _may_be_taken(is_sqlite: bool, fits: bool) -> str:
    now = database_now().compile(dialect=_DIALECTS[is_sqlite])
    taken = f"{_QUEUED} AND available_at <= {now} AND id NOT IN :besides"
    if not fits:
        return taken
    length = audio_seconds_sql().compile(
        dialect=_DIALECTS[is_sqlite], compile_kwargs={"literal_binds": True}
    )
    return f"""{taken} AND (
        SELECT {length} <= :longest_s OR {length} > :beyond_all_s
        FROM recordings WHERE recordings.id = jobs.recording_id
    )"""


def _order(is_sqlite: bool) -> str:
    return f"""
        -jobs.priority,
        (
            SELECT count(*) FROM jobs AS running {_indexed(is_sqlite, "jobs_running")}
            WHERE running.owner_id = jobs.owner_id AND running.{_RUNNING}
        ),
        coalesce((SELECT number FROM turns WHERE turns.owner_id = jobs.owner_id), 0),
        jobs.queued_at,
        jobs.id"""
