"""Ending attempts whose worker renews its lease no more. Any process may do it, several at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now, readable_rows
from shared.dialects import told_limit
from shared.errors import LongscribeError, WorkerLost
from shared.jobs.attempt_end import end_attempt, failures_with_this, requeued
from shared.jobs.events import NewEvent, error_detail
from shared.models import Attempt, Job, in_one_of
from shared.states import RUNNING, AttemptOutcome, EventKind, JobStatus
from shared.traces import are_wanted, of_job, record

_BATCH = 100
"""Attempts ended in one transaction, so that none holds the write lock for long."""


@dataclass(frozen=True, slots=True)
class _LostSpan:
    """An attempt whose worker was killed, and sends no span of it. One that lives sends its own,
    in which it finds its lease lost."""

    job: Any
    number: int
    began: datetime
    error: LongscribeError

    def send(self) -> None:
        """Send the span. Called once the loss is committed: one that was rolled back is found again
        by the next sweep."""
        record(
            "attempt",
            began=self.began,
            kind="consumer",
            parent=of_job(self.job.id, self.job.traceparent),
            failed=self.error,
            job_id=self.job.id,
            attempt=self.number,
            fence=self.job.fence,
            outcome=AttemptOutcome.LOST.value,
        )


@dataclass(frozen=True, slots=True)
class Expired:
    """A job whose lease ran out, and its state since."""

    job_id: str
    status: JobStatus


def expire_leases(
    db: Database, *, max_attempts: int, expired_before: datetime | None = None
) -> list[Expired]:
    """End every attempt whose lease ran out: its job is queued again, or failed once it has
    been lost `max_attempts` times, or cancelled if that was asked for.

    `expired_before`, on the database's clock, leaves out what ran out since then.
    """
    ended: list[Expired] = []
    # Most sweeps find none: a read, so that SQLite's one writer is left alone.
    if not _any_expired(db, expired_before):
        return ended
    spans: list[_LostSpan] = []
    with db.writing() as session:
        # Held until commit: a heartbeat that comes now finds the job gone instead of renewing a
        # lease that we are about to end.
        held = _held().where(_expired(expired_before)).limit(told_limit(_BATCH))
        for job in session.execute(held.with_for_update(skip_locked=True)).all():
            # Of a lease that ran out, the code says all: no message is kept with the attempt.
            status = _end_lost(session, job, WorkerLost(), max_attempts, spans, message=None)
            if status is not None:
                ended.append(Expired(job.id, status))
    for lost in spans:
        lost.send()
    return ended


def end_lost_attempt(
    db: Database, *, job_id: str, fence: int, error: LongscribeError, max_attempts: int
) -> JobStatus | None:
    """End one attempt before its lease runs out, for its process is known to have ended: it counts
    as lost, because of `error`.  The job's new state, or None if the attempt held it no more.
    """
    spans: list[_LostSpan] = []
    with db.writing() as session:
        held = _held().where(Job.id == job_id, Job.fence == fence)
        job = session.execute(held.with_for_update()).one_or_none()
        if job is None:
            return None
        status = _end_lost(session, job, error, max_attempts, spans, message=error.message)
    for lost in spans:
        lost.send()
    return status


def _held() -> Select[str, int, str, str | None]:
    """Select the jobs that some attempt holds."""
    return select(Job.id, Job.fence, Job.status, Job.traceparent).where(in_one_of(*RUNNING))


def _any_expired(db: Database, before: datetime | None) -> bool:
    one = _held().where(_expired(before)).limit(told_limit(1))
    with db.reading() as session:
        return session.execute(one).first() is not None


def _expired(before: datetime | None) -> ColumnElement[bool]:
    return Job.lease_expires_at < (database_now() if before is None else before)


def _end_lost(
    session: Session,
    job: Any,
    error: LongscribeError,
    max_attempts: int,
    spans: list[_LostSpan],
    *,
    message: str | None,
) -> JobStatus | None:
    """End the attempt that holds `job`, whose row is locked; `message` is kept with the attempt.
    What there is to send of a traced one once this is committed is added to `spans`."""
    held_by = (Attempt.job_id == job.id, Attempt.fence == job.fence)
    number = session.scalar(select(Attempt.number).where(*held_by))
    failures, allowed = failures_with_this(session, job.id, max_attempts)
    counted = {"code": error.code, "failures": failures, "of": allowed}
    of_job: dict[str, Any] = {}
    if job.status == JobStatus.CANCELLING:
        status = JobStatus.CANCELLED
        events = [
            NewEvent(EventKind.LOST, number, {"code": error.code}),  # its count is over
            NewEvent(EventKind.CANCELLED, number),
        ]
    elif failures >= allowed:
        status = JobStatus.FAILED
        events = [
            NewEvent(EventKind.LOST, number, counted),
            NewEvent(EventKind.FAILED, number, error_detail(error)),
        ]
        of_job = {"failed_attempts": failures}
    else:
        status = JobStatus.QUEUED
        events = [NewEvent(EventKind.LOST, number, counted)]
        of_job = requeued(counts_as_failed=True)
    is_ended = end_attempt(
        session,
        job.id,
        job.fence,
        AttemptOutcome.LOST,
        status,
        *events,
        error=error,
        of_job=of_job,
        of_attempt={"error_message": message},
    )
    if is_ended and number is not None and are_wanted():
        for row in readable_rows(session, select(Attempt.started_at).where(*held_by)):
            spans.append(_LostSpan(job, number, row.started_at, error))
    return status if is_ended else None
