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
from functools import cache
from typing import Any

from sqlalchemy import Delete, bindparam, delete, insert, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

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
    values = {
        "of_job": job_id,
        "of_kind": event.kind.value,
        "of_attempt": event.attempt,
        "of_detail": dict(event.detail),
    }
    written = session.execute(_insertion(once), values).one_or_none()
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


@cache
def _insertion(once: bool) -> ReturningInsert[int, datetime, str]:
    """The statement of `_insert`, whose parts take longer to put together than to carry out."""
    events: Any = JobEvent.__table__
    columns = events.c
    job_id = bindparam("of_job", type_=columns.job_id.type)
    kind = bindparam("of_kind", type_=columns.kind.type)
    attempt = bindparam("of_attempt", type_=columns.attempt.type)
    detail = bindparam("of_detail", type_=columns.detail.type)
    row = select(job_id, database_now(), kind, attempt, detail)
    if once:
        already = select(columns.id).where(
            columns.job_id == job_id, columns.kind == kind, columns.attempt == attempt
        )
        row = row.where(~already.exists())
    owner_id = select(Job.owner_id).where(Job.id == job_id).scalar_subquery()
    return (
        insert(JobEvent.__table__)  # type: ignore[arg-type]
        .from_select(["job_id", "at", "kind", "attempt", "detail"], row, include_defaults=False)
        .returning(columns.id, columns.at, owner_id.label("owner_id"))
    )


def forget_beyond_limit(session: Session, job_id: str) -> None:
    """Drop what is older than the newest KEPT_EVENTS, but never the submission."""
    session.execute(_deletion(KEPT_EVENTS), {"of_job": job_id})


@cache
def _deletion(kept: int) -> Delete:
    """The statement of `forget_beyond_limit`."""
    events: Any = JobEvent.__table__
    job_id = bindparam("of_job", type_=events.c.job_id.type)
    oldest_kept = (
        select(events.c.id)
        .where(events.c.job_id == job_id)
        .order_by(events.c.id.desc())
        .limit(1)
        .offset(kept - 1)
        .scalar_subquery()
    )
    return delete(events).where(
        events.c.job_id == job_id,
        events.c.id < oldest_kept,
        events.c.kind != EventKind.SUBMITTED.value,
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
