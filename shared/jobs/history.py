"""What happened to a job, recorded in the transaction in which it happened.

So the history holds nothing that was rolled back and misses nothing that was committed, and an
attempt that lost its lease, whose writes are refused, records nothing either.  It stays short: an
attempt has one event of each kind, save the few times that a batch was halved, whatever the
number of its batches; `KEPT_EVENTS` bounds the attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import JobNotFound, LongscribeError
from shared.models import Attempt, Job, JobEvent
from shared.states import EventKind

KEPT_EVENTS = 200
"""So many of the newest are kept when a job is claimed or asked for again, and the submission: a
script that retries a hopeless recording for ever would else fill the disk with its history."""

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it is written."""

    kind: EventKind
    attempt: int | None = None
    """The number of the attempt that it concerns; None: a person or a client did it."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Small: counts, seconds, a code, a message."""


@dataclass(frozen=True, slots=True)
class JobHistory:
    """A job's events in the order in which they happened, and its attempts by number."""

    events: list[JobEvent]
    attempts: dict[int, Attempt]


def error_detail(error: LongscribeError) -> dict[str, Any]:
    """The detail of an event that an error caused: its code and its message, cut to a length."""
    return {"code": error.code, "message": error.message[:_LONGEST_MESSAGE]}


def record(session: Session, job_id: str, *events: NewEvent) -> None:
    """Write events into the transaction of `session`, which holds the lock on the job's row."""
    for event in events:
        session.execute(
            insert(JobEvent).values(
                job_id=job_id,
                kind=event.kind.value,
                attempt=event.attempt,
                detail=dict(event.detail),
            )
        )


def record_once(session: Session, job_id: str, event: NewEvent) -> None:
    """Write an event as `record` does, unless its attempt has an event of this kind already."""
    columns = JobEvent.__table__.c
    already = select(JobEvent.id).where(
        JobEvent.job_id == job_id,
        JobEvent.kind == event.kind.value,
        JobEvent.attempt == event.attempt,
    )
    row = select(
        literal(job_id, columns.job_id.type),
        database_now(),
        literal(event.kind.value, columns.kind.type),
        literal(event.attempt, columns.attempt.type),
        literal(dict(event.detail), columns.detail.type),
    ).where(~already.exists())
    session.execute(
        insert(JobEvent).from_select(
            ["job_id", "at", "kind", "attempt", "detail"], row, include_defaults=False
        )
    )


def forget_beyond_limit(session: Session, job_id: str) -> None:
    """Drop what is older than the newest KEPT_EVENTS, but never the submission."""
    oldest_kept = (
        select(JobEvent.id)
        .where(JobEvent.job_id == job_id)
        .order_by(JobEvent.id.desc())
        .limit(1)
        .offset(KEPT_EVENTS - 1)
        .scalar_subquery()
    )
    session.execute(
        delete(JobEvent)
        .where(
            JobEvent.job_id == job_id,
            JobEvent.id < oldest_kept,
            JobEvent.kind != EventKind.SUBMITTED.value,
        )
        .execution_options(synchronize_session=False)
    )


def get_history(db: Database, *, owner_id: str, job_id: str) -> JobHistory:
    """What happened to a job. Raises JobNotFound, for another owner's too."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        events = session.scalars(
            select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id)
        ).all()
        attempts = session.scalars(select(Attempt).where(Attempt.job_id == job_id)).all()
    return JobHistory(list(events), {attempt.number: attempt for attempt in attempts})
