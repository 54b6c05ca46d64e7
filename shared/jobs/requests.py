"""What a person or a client asks of a job. Every query names the owner: another's is not found."""

from __future__ import annotations

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IllegalTransition, JobNotFound
from shared.jobs.history import Happening, forget_beyond_limit
from shared.jobs.transition import move
from shared.models import Job, Recording
from shared.states import RUNNING, TERMINAL, EventKind, JobStatus


def _status(session: Session, owner_id: str, job_id: str) -> JobStatus:
    status = session.scalar(select(Job.status).where(Job.id == job_id, Job.owner_id == owner_id))
    if status is None:
        raise JobNotFound
    return JobStatus(status)


def cancel(db: Database, *, owner_id: str, job_id: str) -> JobStatus:
    """Cancel a job; a running one stops within a batch.

    Cancelling twice is no error.  Raises JobNotFound, or IllegalTransition for a finished job.
    """
    with db.writing() as session:
        # A worker may claim or finish the job between two of these, so each is tried by itself;
        # whichever finds its row has won the race.
        _status(session, owner_id, job_id)
        if move(
            session,
            job_id,
            JobStatus.QUEUED,
            JobStatus.CANCELLED,
            Happening(EventKind.CANCELLED),
            completed_at=database_now(),
        ):
            return JobStatus.CANCELLED
        asked = Happening(EventKind.CANCEL_ASKED)
        if move(session, job_id, JobStatus.PROCESSING, JobStatus.CANCELLING, asked):
            return JobStatus.CANCELLING
        status = _status(session, owner_id, job_id)
        if status in (JobStatus.CANCELLING, JobStatus.CANCELLED):
            return status
        raise IllegalTransition(f"This job is {status.value}; there is nothing left to cancel.")


def retry(db: Database, *, owner_id: str, job_id: str) -> JobStatus:
    """Queue a failed or cancelled job again; what it had recognised is reused.

    Raises JobNotFound, or IllegalTransition for a job in another state.
    """
    with db.writing() as session:
        _status(session, owner_id, job_id)
        for status in (JobStatus.FAILED, JobStatus.CANCELLED):
            if move(
                session,
                job_id,
                status,
                JobStatus.QUEUED,
                Happening(EventKind.RETRIED),
                queued_at=database_now(),
                available_at=database_now(),
                completed_at=None,
                failed_attempts=0,
                error_code=None,
                error_message=None,
            ):
                forget_beyond_limit(session, job_id)
                return JobStatus.QUEUED
        now = _status(session, owner_id, job_id)
        raise IllegalTransition(
            f"This job is {now.value}; only a failed or cancelled job can be retried."
        )


def delete(db: Database, *, owner_id: str, job_id: str) -> str | None:
    """Remove a job and all that came of it.

    The key of its recording's blob if no other job uses it: remove those bytes next.  Raises
    JobNotFound, or IllegalTransition while a worker is on it.
    """
    with db.writing() as session:
        row = session.execute(
            select(Job.recording_id, Recording.blob_key)
            .join(Recording, Recording.id == Job.recording_id)
            .where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
        if row is None:
            raise JobNotFound
        deletable = [status.value for status in TERMINAL | {JobStatus.QUEUED}]
        deleted = session.execute(
            sql_delete(Job)
            .where(Job.id == job_id, Job.status.in_(deletable))
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if deleted is None:
            status = _status(session, owner_id, job_id)
            assert status in RUNNING
            raise IllegalTransition("A worker is on this job. Cancel it first, then delete it.")
        others = session.scalar(select(func.count()).where(Job.recording_id == row.recording_id))
        if others:
            return None
        session.execute(
            sql_delete(Recording)
            .where(Recording.id == row.recording_id)
            .execution_options(synchronize_session=False)
        )
        return str(row.blob_key)
