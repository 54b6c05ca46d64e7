"""What the API and the pages show of jobs. Reads only, a few statements whatever the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from shared.db import Database, database_now
from shared.errors import JobNotFound, TranscriptNotReady
from shared.jobs.figures import RecognitionFigures, recognition_figures
from shared.models import Attempt, Job, Recording, StoredTranscript, WorkerSeen
from shared.states import RUNNING, JobStatus
from shared.transcript import Transcript

_ETA_NEEDS_PROGRESS = 0.02
"""Below this share, elapsed over progress says nothing yet."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown. `job.recording` and `job.attempts` are loaded."""

    job: Job
    queue_position: int | None
    """1 for the next; None unless queued. Fair shares between owners may change the order."""
    now: datetime
    """The database's clock at the time of reading."""

    @property
    def attempt(self) -> Attempt | None:
        """The running or latest attempt."""
        return self.job.attempts[-1] if self.job.attempts else None

    @property
    def recognition(self) -> RecognitionFigures | None:
        """How it was recognised, over all attempts; None until a batch size was chosen."""
        return recognition_figures(self.job.attempts)

    @property
    def processing_s(self) -> float:
        """Wall seconds that workers spent on this job, over all attempts."""
        return sum(
            ((attempt.ended_at or self.now) - attempt.started_at).total_seconds()
            for attempt in self.job.attempts
        )

    @property
    def real_time_factor_x(self) -> float | None:
        """Audio seconds a wall second, once completed."""
        duration = self.job.recording.duration_s
        if self.job.status != JobStatus.COMPLETED or not duration or self.processing_s <= 0:
            return None
        return duration / self.processing_s

    @property
    def eta_s(self) -> float | None:
        """Wall seconds until a running job is done, at its speed so far."""
        if self.job.status != JobStatus.PROCESSING or self.job.progress < _ETA_NEEDS_PROGRESS:
            return None
        return self.processing_s * (1 - self.job.progress) / self.job.progress


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first, and where the next page starts."""

    jobs: list[JobView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """How many jobs are in which state; `claimable` of the queued may be taken now."""

    by_status: dict[JobStatus, int]
    claimable: int


def get_job(db: Database, *, owner_id: str, job_id: str) -> JobView:
    """One job. Raises JobNotFound, for another owner's too."""
    with db.reading() as session:
        views = _views(session, select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id))
    if not views:
        raise JobNotFound
    return views[0]


def list_jobs(
    db: Database,
    *,
    owner_id: str,
    status: JobStatus | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> JobPage:
    """An owner's jobs, newest first. `cursor` is the `next_cursor` of the page before."""
    wanted = select(Job.id).where(Job.owner_id == owner_id)
    if status is not None:
        wanted = wanted.where(Job.status == status.value)
    if cursor is not None:
        wanted = wanted.where(Job.id < cursor)  # ids are UUIDv7: in order of submission
    with db.reading() as session:
        views = _views(session, wanted.order_by(Job.id.desc()).limit(limit + 1))
    more = len(views) > limit
    views = views[:limit]
    return JobPage(views, views[-1].job.id if more else None)


def _views(session: Session, wanted: object) -> list[JobView]:
    jobs = session.scalars(
        select(Job)
        .join(Recording, Recording.id == Job.recording_id)
        .where(Job.id.in_(wanted))  # type: ignore[arg-type]
        .options(contains_eager(Job.recording), selectinload(Job.attempts))
        .order_by(Job.id.desc())
    ).all()
    now = session.scalar(select(database_now()))
    assert now is not None
    positions = _queue_positions(session, jobs)
    return [JobView(job, positions.get(job.id), now) for job in jobs]


def _queue_positions(session: Session, jobs: Sequence[Job]) -> dict[str, int]:
    queued = [job.id for job in jobs if job.status == JobStatus.QUEUED]
    if not queued:
        return {}
    ranked = (
        select(
            Job.id,
            func.row_number()
            .over(order_by=(Job.priority.desc(), Job.queued_at, Job.id))
            .label("position"),
        )
        .where(Job.status == JobStatus.QUEUED.value)
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.id.in_(queued)))
    return {row.id: row.position for row in rows}


def get_transcript(db: Database, *, owner_id: str, job_id: str) -> Transcript:
    """Raises JobNotFound, or TranscriptNotReady until the job is completed."""
    with db.reading() as session:
        row = session.execute(
            select(Job.status, StoredTranscript.content)
            .outerjoin(StoredTranscript, StoredTranscript.job_id == Job.id)
            .where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
    if row is None:
        raise JobNotFound
    if row.content is None:
        raise TranscriptNotReady(
            f"This job is {row.status}; the transcript is there once it is completed."
        )
    return Transcript.from_json(row.content)


def queue_summary(db: Database) -> QueueSummary:
    """Over all owners."""
    with db.reading() as session:
        rows = session.execute(select(Job.status, func.count()).group_by(Job.status)).all()
        claimable = session.scalar(
            select(func.count()).where(
                Job.status == JobStatus.QUEUED.value, Job.available_at <= database_now()
            )
        )
    return QueueSummary(
        {JobStatus(status): count for status, count in rows}, claimable=claimable or 0
    )


def workers_seen(db: Database, *, within_s: float) -> list[WorkerSeen]:
    """Workers that have reported themselves in the last `within_s` seconds."""
    with db.reading() as session:
        return list(
            session.scalars(
                select(WorkerSeen)
                .where(WorkerSeen.seen_at >= database_now(-within_s))
                .order_by(WorkerSeen.name)
            )
        )


def running_job_ids(db: Database) -> set[str]:
    """Jobs that some worker holds a lease on."""
    with db.reading() as session:
        return set(
            session.scalars(
                select(Job.id).where(Job.status.in_([status.value for status in RUNNING]))
            )
        )
