"""Removing jobs that are over: because somebody asks, or because they were kept long enough.

The rows go first and the recording's bytes after the commit: a crash in between leaves a file
that no row names, which `longscribe doctor` finds, and never a job without its recording.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IllegalTransition, JobNotFound
from shared.models import Job, Recording
from shared.states import TERMINAL, JobStatus

_DELETABLE = TERMINAL | {JobStatus.QUEUED}

_BATCH = 50
"""Jobs deleted in one transaction, with thousands of segments each at the most."""


def delete(db: Database, *, owner_id: str, job_id: str) -> list[str]:
    """Remove a job and all that came of it.

    The keys of its recording's blob and of the playable copy, if no other job uses them: remove
    those bytes next.  Raises JobNotFound, or IllegalTransition while a worker is on it.
    """
    with db.writing() as session:
        return delete_in(session, owner_id, job_id)


def delete_in(session: Session, owner_id: str, job_id: str) -> list[str]:
    """Do what `delete` does in a transaction of the caller's."""
    recording_id = session.scalar(
        select(Job.recording_id).where(Job.id == job_id, Job.owner_id == owner_id)
    )
    if recording_id is None:
        raise JobNotFound
    deleted = session.execute(
        sql_delete(Job)
        .where(Job.id == job_id, Job.status.in_([status.value for status in _DELETABLE]))
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if deleted is None:
        raise IllegalTransition("A worker is on this job. Cancel it first, then delete it.")
    return _forget_recording(session, recording_id)


def delete_expired(db: Database, *, kept: timedelta) -> list[str]:
    """Remove some of the jobs that ended longer than `kept` ago, and give the keys of the blobs
    that nobody uses any more.  Call it again until it removes none.

    A job that is retried at this moment is either gone or queued, as for any two requests.
    """
    with db.writing() as session:
        expired = (
            select(Job.id)
            .where(
                Job.status.in_([status.value for status in TERMINAL]),
                Job.completed_at < database_now(-kept.total_seconds()),
            )
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        recordings = session.scalars(
            sql_delete(Job)
            .where(Job.id.in_(session.scalars(expired).all()))
            .returning(Job.recording_id)
            .execution_options(synchronize_session=False)
        ).all()
        return [
            key
            for recording_id in set(recordings)
            for key in _forget_recording(session, recording_id)
        ]


def _forget_recording(session: Session, recording_id: str) -> list[str]:
    others = session.scalar(select(func.count()).where(Job.recording_id == recording_id))
    if others:
        return []
    keys = session.execute(
        sql_delete(Recording)
        .where(Recording.id == recording_id)
        .returning(Recording.blob_key, Recording.playable_key)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return [key for key in keys or () if key is not None]
