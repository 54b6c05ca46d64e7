"""Events of a job, recorded in the transaction in which they happen.

So the history holds nothing that was rolled back and misses nothing that was committed, and an
attempt that lost its lease, whose writes are refused, records nothing either.  It stays short: an
attempt has one event of each kind, save the few times that a batch was halved, whatever the
number of its batches; `KEPT_EVENTS` bounds both the events and the attempts.

Every event of every job goes through `_insert`, and nothing else writes the table of events.  What
webhooks are told of it is put into their outbox there, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, literal, or_, select
from sqlalchemy.orm import Session

from shared.db import database_now
from shared.errors import LongscribeError
from shared.models import Attempt, Job, JobEvent
from shared.states import EventKind
from shared.webhooks import outbox

KEPT_EVENTS = 200
"""Newest events that are kept, beside the submission, when a job is claimed or asked for again: a
script that retries a hopeless recording for ever would else fill the disk with its history."""

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it is written."""

    kind: EventKind
    attempt: int | None = None
    """The number of the attempt that it concerns; None: a person or a client did it."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Few and small values: counts, seconds, a code, a message."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as it is stored, with the job that it belongs to and that job's owner."""

    id: int
    """Id, which grows with every event of a job."""
    job_id: str
    owner_id: str
    at: datetime
    """The time by the database's clock."""
    kind: EventKind
    attempt: int | None
    detail: Mapping[str, Any]


def error_detail(error: LongscribeError) -> dict[str, Any]:
    """The detail of an event that an error caused: its code and its message, cut to a length."""
    return {"code": error.code, "message": error.message[:_LONGEST_MESSAGE]}


def record(session: Session, job_id: str, *events: NewEvent) -> list[EventRecord]:
    """Write events into the transaction of `session`, which holds the lock on the job's row."""
    recorded = [_insert(session, job_id, event, once=False) for event in events]
    return [event for event in recorded if event is not None]


def record_once(session: Session, job_id: str, event: NewEvent) -> EventRecord | None:
    """Write an event as `record` does, unless its attempt has an event of this kind already."""
    return _insert(session, job_id, event, once=True)


def _insert(session: Session, job_id: str, event: NewEvent, *, once: bool) -> EventRecord | None:
    columns = JobEvent.__table__.c
    row = select(
        literal(job_id, columns.job_id.type),
        database_now(),
        literal(event.kind.value, columns.kind.type),
        literal(event.attempt, columns.attempt.type),
        literal(dict(event.detail), columns.detail.type),
    )
    if once:
        already = select(JobEvent.id).where(
            JobEvent.job_id == job_id,
            JobEvent.kind == event.kind.value,
            JobEvent.attempt == event.attempt,
        )
        row = row.where(~already.exists())
    owner_id = select(Job.owner_id).where(Job.id == job_id).scalar_subquery()
    written = session.execute(
        insert(JobEvent)
        .from_select(["job_id", "at", "kind", "attempt", "detail"], row, include_defaults=False)
        .returning(JobEvent.id, JobEvent.at, owner_id.label("owner_id"))
    ).one_or_none()
    if written is None:
        return None
    outbox.note(
        session,
        owner_id=written.owner_id,
        job_id=job_id,
        kind=event.kind,
        at=written.at,
        detail=event.detail,
    )
    return EventRecord(
        written.id,
        job_id,
        written.owner_id,
        written.at,
        event.kind,
        event.attempt,
        dict(event.detail),
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


def forget_attempts_beyond_limit(session: Session, job_id: str, number: int) -> None:
    """Drop the attempts before the newest KEPT_EVENTS, of which `number` is the last. No event that
    is kept names them. One whose words are a part of the transcript stays, for its figures are; of
    those there are no more than batches."""
    if number <= KEPT_EVENTS:
        return
    session.execute(
        delete(Attempt)
        .where(
            Attempt.job_id == job_id,
            Attempt.number <= number - KEPT_EVENTS,
            or_(Attempt.batches == 0, Attempt.discarded.is_(True)),
        )
        .execution_options(synchronize_session=False)
    )
