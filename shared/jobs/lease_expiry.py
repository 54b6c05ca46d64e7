"""Ending attempts whose worker renews its lease no more. Any process may do it, several at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import LongscribeError, WorkerLost
from shared.jobs.history import NewEvent, error_detail
from shared.jobs.transition import attempts_allowed, move, requeue
from shared.models import Attempt, Job, WorkerSeen
from shared.states import RUNNING, AttemptOutcome, EventKind, JobStatus

_BATCH = 100
"""Attempts ended in one transaction, so that none holds the write lock for long."""


_FORGET_WORKERS_S = 24 * 3600.0
"""A worker not seen for so long is dropped from the table."""


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
    expired_jobs: list[Expired] = []
    if not _any_expired(
        db, expired_before
    ):  # most sweeps: a read, so that SQLite's one writer is left alone
        return expired_jobs
    with db.writing() as session:
        expired = session.scalars(
            select(Job)
            .where(*_expired(expired_before))
            .limit(_BATCH)
            # Held until commit: a heartbeat that comes now finds the job gone instead of renewing
            # a lease that we are about to end.
            .with_for_update(skip_locked=True)
        ).all()
        for job in expired:
            status = _end_lost(session, job, WorkerLost(), max_attempts)
            if status is not None:
                expired_jobs.append(Expired(job.id, status))
    return expired_jobs


def end_lost_attempt(
    db: Database, *, job_id: str, fence: int, error: LongscribeError, max_attempts: int
) -> JobStatus | None:
    """End one attempt before its lease runs out, for its process is known to have ended: it counts
    as lost, because of `error`.  The job's new state, or None if the attempt held it no more.
    """
    with db.writing() as session:
        job = session.scalar(
            select(Job)
            .where(
                Job.id == job_id,
                Job.fence == fence,
                Job.status.in_([status.value for status in RUNNING]),
            )
            .with_for_update()
        )
        if job is None:
            return None
        return _end_lost(session, job, error, max_attempts, said=error.message)


def _any_expired(db: Database, before: datetime | None) -> bool:
    with db.reading() as session:
        return session.scalar(select(Job.id).where(*_expired(before)).limit(1)) is not None


def _expired(before: datetime | None) -> tuple[ColumnElement[bool], ...]:
    return (
        Job.status.in_([status.value for status in RUNNING]),
        Job.lease_expires_at < (database_now() if before is None else before),
    )


def _end_lost(
    session: Session,
    job: Job,
    error: LongscribeError,
    max_attempts: int,
    *,
    said: str | None = None,
) -> JobStatus | None:
    """End the attempt that holds `job`, whose row is locked; `said` is kept with the attempt."""
    number = session.scalar(
        select(Attempt.number).where(Attempt.job_id == job.id, Attempt.fence == job.fence)
    )
    failures = job.failed_attempts + 1
    allowed = attempts_allowed(session, job.id, max_attempts)
    lost = NewEvent(
        EventKind.LOST, number, {"code": error.code, "failures": failures, "of": allowed}
    )
    ended = {"stage": None, "lease_expires_at": None, "completed_at": database_now()}
    if job.status == JobStatus.CANCELLING:
        status = JobStatus.CANCELLED
        moved = move(
            session,
            job.id,
            JobStatus.CANCELLING,
            status,
            NewEvent(EventKind.LOST, number, {"code": error.code}),  # its count is over
            NewEvent(EventKind.CANCELLED, number),
            fence=job.fence,
            **ended,
        )
    elif failures >= allowed:
        status = JobStatus.FAILED
        moved = move(
            session,
            job.id,
            JobStatus.PROCESSING,
            status,
            lost,
            NewEvent(EventKind.FAILED, number, error_detail(error)),
            fence=job.fence,
            **ended,
            failed_attempts=Job.failed_attempts + 1,
            error_code=error.code,
            error_message=error.message,
        )
    else:
        status = JobStatus.QUEUED
        moved = requeue(session, job.id, job.fence, lost, counts_as_failed=True)
    if not moved:
        return None
    _set_attempt(
        session,
        job,
        outcome=AttemptOutcome.LOST.value,
        ended_at=database_now(),
        error_code=error.code,
        error_message=said,
    )
    return status


def _set_attempt(session: Session, job: Job, **values: Any) -> None:
    session.execute(
        update(Attempt)
        .where(Attempt.job_id == job.id, Attempt.fence == job.fence)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def note_worker(
    db: Database,
    *,
    name: str,
    hostname: str,
    model: str,
    device: str,
    started_at: datetime,
    jobs_at_once: int = 1,
) -> datetime:
    """Store that this worker is alive, for /readyz and the doctor. The time by the database's
    clock."""
    with db.writing() as session:
        seen = session.get(WorkerSeen, name)
        if seen is None:
            seen = WorkerSeen(name=name)
            session.add(seen)
        seen.hostname = hostname
        seen.model = model
        seen.device = device
        seen.jobs_at_once = jobs_at_once
        seen.started_at = started_at
        seen.seen_at = database_now()
        session.execute(
            delete(WorkerSeen).where(WorkerSeen.seen_at < database_now(-_FORGET_WORKERS_S))
        )
        return session.scalars(select(database_now())).one()
