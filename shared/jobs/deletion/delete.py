"""Deletion of jobs with all that came of them, rows and files, because somebody asks.

The rows go first. The files, which are the recording and its playable copy, go after the commit
and only where no other job uses them: a crash in between leaves a file that no row names, which
`longscribe doctor` finds, and never a job without its recording.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database
from shared.errors import IllegalTransition, JobNotFound
from shared.jobs.commands import Outcome, ask_each, hold_with_recordings
from shared.models import Job, Recording
from shared.search.entries import forget
from shared.speakers.kept.voice_keeping import drop_bare_names, keepers_of
from shared.states import TERMINAL, JobStatus
from shared.storage.blob_store import BlobStore
from shared.words.hotwords import drop_unused, sets_of_jobs
from shared.words.replacements.ended_groups import drop_ended, hold_ended

DELETABLE = TERMINAL | {JobStatus.QUEUED}


def delete(db: Database, blobs: BlobStore, *, owner_id: str, job_id: str) -> None:
    """Delete a job, its transcript and its recording.

    Raises JobNotFound, or IllegalTransition while a worker is on it; OSError where the rows are
    gone and the storage cannot be used.
    """
    with db.writing() as session:
        keys = _delete_rows(session, owner_id, job_id)
    delete_files(blobs, keys)


def delete_all(
    db: Database, blobs: BlobStore, *, owner_id: str, job_ids: Collection[str]
) -> dict[str, Outcome]:
    """Delete several jobs as `delete` does; the outcome by job. Raises OSError likewise, and leaves
    the others as they are then."""
    keys: list[str] = []

    def delete_one(session: Session, job_id: str) -> Outcome:
        keys.extend(_delete_rows(session, owner_id, job_id))
        return Outcome.DELETED

    def hold(session: Session, some: Sequence[str]) -> None:
        hold_with_recordings(session, owner_id, some, to_delete=True)
        hold_ended(session, some)  # before the first of them takes the lock on sets of hotwords

    # Not after the last: files of jobs that are gone would stay if the database failed meanwhile.
    def delete_files_of_some() -> None:
        gone, keys[:] = list(keys), []
        delete_files(blobs, gone)

    return ask_each(db, job_ids, delete_one, hold=hold, committed=delete_files_of_some)


def _delete_rows(session: Session, owner_id: str, job_id: str) -> list[str]:
    """Delete a job's rows; the keys of the files that nobody uses any more.

    Raises JobNotFound or IllegalTransition.
    """
    # Held before all that goes with it: who corrects it, or keeps voices of it, comes before or
    # finds it gone, and neither waits for the other.
    recording_id = session.scalar(
        select(Job.recording_id).where(Job.id == job_id, Job.owner_id == owner_id).with_for_update()
    )
    if recording_id is None:
        raise JobNotFound
    hold_recordings(session, [recording_id])
    forget(session, [job_id])
    hotwords, keepers = sets_of_jobs(session, [job_id]), keepers_of(session, [job_id])
    ended_lists = hold_ended(session, [job_id])
    deleted = session.execute(
        sql_delete(Job)
        .where(Job.id == job_id, Job.status.in_([status.value for status in DELETABLE]))
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if deleted is None:
        raise IllegalTransition("A worker is on this job. Cancel it first, then delete it.")
    audit.record(session, Act.JOB_DELETED, object_id=job_id, subject_id=owner_id)
    keys = forget_recording(session, recording_id)
    drop_ended(session, ended_lists)
    drop_unused(session, hotwords)
    drop_bare_names(session, keepers)
    return keys


def hold_recordings(session: Session, recording_ids: Collection[str]) -> None:
    """Hold recordings, once jobs of them are held and before the lists of words of deleted groups,
    as all do who hold both.

    Of two who delete the last two jobs of one, each would else take the other's for one left.
    """
    held = select(Recording.id).where(Recording.id.in_(recording_ids)).order_by(Recording.id)
    session.execute(held.with_for_update())


def forget_recording(session: Session, recording_id: str) -> list[str]:
    """Delete the row of a recording that is held, unless another job uses it; the keys of its
    files."""
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


def delete_files(blobs: BlobStore, keys: Iterable[str]) -> None:
    for key in keys:
        blobs.delete(key)
