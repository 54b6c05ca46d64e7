"""Queries about single jobs and about the queue as a whole. Reads only; `listing` has the lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import String, Text, TextClause, bindparam, cast, select, text
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import JobNotFound, TranscriptNotReady, TranscriptUnreadable
from shared.jobs.eta.snapshot import take_snapshot
from shared.jobs.queries.records import JobRecord
from shared.jobs.queries.view import JobView, records_of, view_jobs
from shared.jobs.scheduling.index_of_waiting import FOR_ANY, FOR_MODEL, Claimable, claimable_rows
from shared.jobs.tallies.counts import counted_by_status
from shared.models import Job, StoredTranscript, in_one_of
from shared.settings import SEEN_WITHIN_S
from shared.speakers.transcript_speakers import with_speakers
from shared.states import RUNNING, JobStatus
from shared.traces import of_job
from shared.transcripts.current import with_corrections
from shared.transcripts.values import Transcript, Version


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """Number of jobs in each state."""

    by_status: dict[JobStatus, int]


@dataclass(frozen=True, slots=True)
class Versions:
    """A transcript as the model wrote it, and as people left it."""

    recognised: Transcript
    current: Transcript


def get_job(
    db: Database, *, owner_id: str, job_id: str, seen_within_s: float = SEEN_WITHIN_S
) -> JobView:
    """Read one job. Raises JobNotFound, for another owner's too."""
    with db.reading() as session:
        snapshot = take_snapshot(session, seen_within_s=seen_within_s)
        which = (Job.id == job_id) & (Job.owner_id == owner_id)
        views = view_jobs(session, snapshot, which, with_report=True)
    if not views:
        raise JobNotFound
    return views[0]


def get_records(db: Database, *, owner_id: str, job_ids: Collection[str]) -> dict[str, JobRecord]:
    """Read the jobs of these that the owner has, by id, as they are stored."""
    with db.reading() as session:
        found = records_of(session, Job.id.in_(job_ids) & (Job.owner_id == owner_id))
    return {record.id: record for record in found}


@dataclass(frozen=True, slots=True)
class OtherJob:
    """A further job of the same recording."""

    id: str
    status: JobStatus
    created_at: datetime


def other_jobs(db: Database, *, owner_id: str, job_id: str, most: int = 10) -> list[OtherJob]:
    """The newest other jobs of a job's recording, the newest first."""
    recording = select(Job.recording_id).where(Job.id == job_id, Job.owner_id == owner_id)
    with db.reading() as session:
        rows = session.execute(
            select(Job.id, Job.status, Job.created_at)
            .where(
                Job.recording_id == recording.scalar_subquery(),
                Job.owner_id == owner_id,
                Job.id != job_id,
            )
            .order_by(Job.id.desc())
            .limit(most)
        ).all()
    return [OtherJob(row.id, JobStatus(row.status), row.created_at) for row in rows]


def get_traceparent(db: Database, job_id: str) -> str | None:
    """Parent of a job's spans (`shared.traces.of_job`); None where nothing is traced, or the job is
    gone."""
    with db.reading() as session:
        found = session.execute(select(Job.traceparent).where(Job.id == job_id)).one_or_none()
    return None if found is None else of_job(job_id, found.traceparent)


def get_transcript(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    version: Version = Version.CURRENT,
    words: bool = True,
) -> Transcript:
    """A job's transcript, with its corrections unless the recognised version is wanted. A sentence
    that a correction removed is there without text, so that the others keep their numbers; what is
    handed out leaves it away (`Transcript.without_removed`).  Without `words` it takes a fraction
    of the memory.

    Raises JobNotFound, TranscriptNotReady until the job is completed, or TranscriptUnreadable.
    """
    with db.reading() as session:
        recognised = _recognised(session, owner_id, job_id, words=words)
        if version is Version.RECOGNISED:
            return recognised
        return _current(session, job_id, recognised, words=words)


def get_versions(db: Database, *, owner_id: str, job_id: str, words: bool = True) -> Versions:
    """Read both versions of a transcript for the price of one. Raises as `get_transcript`."""
    with db.reading() as session:
        recognised = _recognised(session, owner_id, job_id, words=words)
        return Versions(recognised, _current(session, job_id, recognised, words=words))


def _recognised(session: Session, owner_id: str, job_id: str, *, words: bool) -> Transcript:
    row = session.execute(
        select(Job.status, cast(StoredTranscript.content, Text).label("stored"))
        .outerjoin(StoredTranscript, StoredTranscript.job_id == Job.id)
        .where(Job.id == job_id, Job.owner_id == owner_id)
    ).one_or_none()
    if row is None:
        raise JobNotFound
    if row.stored is None:
        raise TranscriptNotReady(
            f"This job is {row.status}; the transcript is there once it is completed."
        )
    try:
        return Transcript.read(row.stored, words=words)
    except (ValueError, TypeError, LookupError, RecursionError):
        raise TranscriptUnreadable from None


def _current(session: Session, job_id: str, recognised: Transcript, *, words: bool) -> Transcript:
    corrected = with_corrections(session, job_id, recognised, words=words)
    return with_speakers(session, job_id, corrected, recognised)


def require_database(db: Database) -> None:
    """Check that the database answers, before a long upload rather than after it.

    Raises SQLAlchemy's OperationalError where it does not.
    """
    with db.reading() as session:
        session.scalar(select(Job.id).limit(1))


def queue_summary(db: Database) -> QueueSummary:
    """Count the jobs of all owners by state."""
    with db.reading() as session:
        return QueueSummary(counted_by_status(session))


def claimable_jobs(db: Database, *, most: int, model: str | None = None) -> Claimable:
    """Count the waiting jobs that a worker of `model` may take now, up to `most` of either kind."""
    with db.reading() as session:
        counted = session.execute(_claimable(db.is_sqlite, most), {"model": model}).one()
    return Claimable(counted.for_any, counted.of_model)


@cache
def _claimable(is_sqlite: bool, most: int) -> TextClause:
    counts = ", ".join(
        f"(SELECT count(*) FROM ({claimable_rows(waiting, is_sqlite, most)}) AS few) AS {name}"
        for name, waiting in (("for_any", FOR_ANY), ("of_model", FOR_MODEL))
    )
    return text(f"SELECT {counts}").bindparams(bindparam("model", type_=String))


def named_models(db: Database, job_ids: Collection[str]) -> dict[str, str | None]:
    """The model that each of these jobs names, None for none; jobs that are gone are left out."""
    with db.reading() as session:
        rows = session.execute(select(Job.id, Job.model).where(Job.id.in_(job_ids)))
        return {row.id: row.model for row in rows}


def running_job_ids(db: Database) -> set[str]:
    """The ids of jobs that some worker holds a lease on."""
    with db.reading() as session:
        return set(session.scalars(select(Job.id).where(in_one_of(*RUNNING))))
