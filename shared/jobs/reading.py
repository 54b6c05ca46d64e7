"""What the API and the pages show of jobs. Reads only, a few statements whatever the number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import JobNotFound, TranscriptNotReady
from shared.jobs.corrections import with_corrections
from shared.jobs.figures import RecognitionFigures, recognition_figures
from shared.jobs.outlook import outlook, processing_s, with_attempts
from shared.jobs.speed import alive
from shared.models import Attempt, Job, StoredTranscript, WorkerSeen
from shared.settings import SEEN_WITHIN_S
from shared.states import RUNNING, TERMINAL, JobStatus
from shared.transcript import Transcript, Version


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown. `job.recording` and `job.attempts` are loaded."""

    job: Job
    queue_position: int | None
    """1 for the next to be taken, owners taking turns; None unless queued."""
    now: datetime
    """The database's clock at the time of reading."""
    eta_s: float | None
    """Wall seconds until it is done. For a running job by its own pace and that of jobs before;
    for a waiting one also by what is ahead of it and how many are run at once.  None for others,
    and for a waiting one if nothing was learnt yet or no worker lives."""
    workers_alive: int | None
    """Workers that reported themselves lately; None once the job is at its end."""

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
        return processing_s(self.job, self.now)

    @property
    def real_time_factor_x(self) -> float | None:
        """Audio seconds a wall second, once completed."""
        duration = self.job.recording.duration_s
        if self.job.status != JobStatus.COMPLETED or not duration or self.processing_s <= 0:
            return None
        return duration / self.processing_s


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first, and where the next page starts."""

    jobs: list[JobView]
    next_cursor: str | None
    workers_alive: int
    """Workers that reported themselves lately."""


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """How many jobs are in which state; `claimable` of the queued may be taken now."""

    by_status: dict[JobStatus, int]
    claimable: int


def get_job(
    db: Database, *, owner_id: str, job_id: str, seen_within_s: float = SEEN_WITHIN_S
) -> JobView:
    """One job. Raises JobNotFound, for another owner's too."""
    wanted = select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)
    with db.reading() as session:
        views = _views(session, wanted, alive(session, within_s=seen_within_s))
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
    seen_within_s: float = SEEN_WITHIN_S,
) -> JobPage:
    """An owner's jobs, newest first. `cursor` is the `next_cursor` of the page before;
    a worker is alive if it was seen within `seen_within_s`."""
    wanted = select(Job.id).where(Job.owner_id == owner_id)
    if status is not None:
        wanted = wanted.where(Job.status == status.value)
    if cursor is not None:
        wanted = wanted.where(Job.id < cursor)  # ids are UUIDv7: in order of submission
    with db.reading() as session:
        workers = alive(session, within_s=seen_within_s)
        views = _views(session, wanted.order_by(Job.id.desc()).limit(limit + 1), workers)
    more = len(views) > limit
    views = views[:limit]
    return JobPage(views, views[-1].job.id if more else None, workers[0])


def _views(session: Session, wanted: object, workers: tuple[int, int]) -> list[JobView]:
    """`workers` is how many live, and how many jobs they run at once."""
    jobs = with_attempts(session, Job.id.in_(wanted))  # type: ignore[arg-type]
    now = session.scalar(select(database_now()))
    assert now is not None
    ahead = outlook(session, jobs, now, slots=workers[1])
    return [
        JobView(
            job,
            ahead.places.get(job.id),
            now,
            ahead.eta_s.get(job.id),
            None if job.status in TERMINAL else workers[0],
        )
        for job in jobs
    ]


def get_transcript(
    db: Database, *, owner_id: str, job_id: str, version: Version = Version.CURRENT
) -> Transcript:
    """With its corrections, unless the recognised version is wanted. A sentence that a correction
    removed is there without text, so that the others keep their numbers; what is handed out leaves
    it away (`Transcript.without_removed`).

    Raises JobNotFound, or TranscriptNotReady until the job is completed.
    """
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
        recognised = Transcript.from_json(row.content)
        if version is Version.RECOGNISED:
            return recognised
        return with_corrections(session, job_id, recognised)


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


def worker_last_seen(db: Database) -> datetime | None:
    """When any worker last reported itself, as long as that is remembered: a day."""
    with db.reading() as session:
        return session.scalar(
            select(WorkerSeen.seen_at).order_by(WorkerSeen.seen_at.desc()).limit(1)
        )


def running_job_ids(db: Database) -> set[str]:
    """Jobs that some worker holds a lease on."""
    with db.reading() as session:
        return set(
            session.scalars(
                select(Job.id).where(Job.status.in_([status.value for status in RUNNING]))
            )
        )
