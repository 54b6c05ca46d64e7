"""What a person or a client asks of a job. Every query names the owner: another's is not found."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IllegalTransition, JobNotFound
from shared.jobs.history import NewEvent, forget_beyond_limit
from shared.jobs.transition import move
from shared.models import Job
from shared.states import EventKind, JobStatus


def status_in(session: Session, owner_id: str, job_id: str) -> JobStatus:
    """The state of an owner's job, read in a transaction of the caller's. Raises JobNotFound."""
    status = session.scalar(select(Job.status).where(Job.id == job_id, Job.owner_id == owner_id))
    if status is None:
        raise JobNotFound
    return JobStatus(status)


def cancel(db: Database, *, owner_id: str, job_id: str) -> JobStatus:
    """Cancel a job; a running one stops within a batch.

    Cancelling twice is no error.  Raises JobNotFound, or IllegalTransition for a finished job.
    """
    with db.writing() as session:
        return cancel_in(session, owner_id, job_id)


def cancel_in(session: Session, owner_id: str, job_id: str) -> JobStatus:
    """Do what `cancel` does in a transaction of the caller's."""
    # A worker may claim or finish the job between two of these, so each is tried by itself;
    # whichever finds its row has won the race.
    status_in(session, owner_id, job_id)
    if move(
        session,
        job_id,
        JobStatus.QUEUED,
        JobStatus.CANCELLED,
        NewEvent(EventKind.CANCELLED),
        completed_at=database_now(),
    ):
        return JobStatus.CANCELLED
    asked = NewEvent(EventKind.CANCEL_ASKED)
    if move(session, job_id, JobStatus.PROCESSING, JobStatus.CANCELLING, asked):
        return JobStatus.CANCELLING
    status = status_in(session, owner_id, job_id)
    if status in (JobStatus.CANCELLING, JobStatus.CANCELLED):
        return status
    raise IllegalTransition(f"This job is {status.value}; there is nothing left to cancel.")


def retry(db: Database, *, owner_id: str, job_id: str) -> JobStatus:
    """Queue a failed or cancelled job again; what it had recognised is reused.

    Raises JobNotFound, or IllegalTransition for a job in another state.
    """
    with db.writing() as session:
        return retry_in(session, owner_id, job_id)


def retry_in(session: Session, owner_id: str, job_id: str) -> JobStatus:
    """Do what `retry` does in a transaction of the caller's."""
    status_in(session, owner_id, job_id)
    for status in (JobStatus.FAILED, JobStatus.CANCELLED):
        if move(
            session,
            job_id,
            status,
            JobStatus.QUEUED,
            NewEvent(EventKind.RETRIED),
            queued_at=database_now(),
            available_at=database_now(),
            completed_at=None,
            failed_attempts=0,
            error_code=None,
            error_message=None,
        ):
            forget_beyond_limit(session, job_id)
            return JobStatus.QUEUED
    now = status_in(session, owner_id, job_id)
    raise IllegalTransition(
        f"This job is {now.value}; only a failed or cancelled job can be retried."
    )
