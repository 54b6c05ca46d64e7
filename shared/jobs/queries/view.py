"""A job as the API and the pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, contains_eager, undefer

from shared.jobs.eta.positions import positions_and_etas
from shared.jobs.eta.snapshot import QueueSnapshot
from shared.jobs.eta.time_spent import job_s
from shared.jobs.queries.recognition_stats import RecognitionStats, recognition_stats
from shared.jobs.queries.records import AttemptRecord, JobRecord, job_record, stored_report
from shared.models import Attempt, Job, Recording
from shared.states import TERMINAL, JobStatus
from shared.transcripts.recording_report import RecordingReport


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown: what is stored, and what is computed from it and from the queue."""

    job: JobRecord
    recognition: RecognitionStats | None
    """How it was recognised, over all attempts; None until a batch size was chosen."""
    queue_position: int | None
    """1 for the next to be taken, owners taking turns; None unless queued."""
    now: datetime
    """The database's clock at the time of reading."""
    eta_s: float | None
    """Wall seconds until it is done. For a running job by its own rate and that of jobs before;
    for a waiting one also by what is ahead of it and how many are run at once.  None for others,
    and for a waiting one if nothing was learned yet or no worker lives."""
    workers_alive: int | None
    """Workers that reported themselves lately; None once the job is at its end."""
    report: RecordingReport | None = None
    """What was in the recording. None in lists, until every word is there, and of jobs of a version
    that gave none."""

    @property
    def attempt(self) -> AttemptRecord | None:
        """The running or latest attempt."""
        return self.job.attempts[-1] if self.job.attempts else None

    @property
    def processing_s(self) -> float:
        """Wall seconds that workers spent on this job, over all attempts."""
        return job_s(self.job.attempts, self.now)

    @property
    def real_time_factor_x(self) -> float | None:
        """Audio seconds a wall second, once completed."""
        duration = self.job.recording.duration_s
        if self.job.status != JobStatus.COMPLETED or not duration or self.processing_s <= 0:
            return None
        return duration / self.processing_s


def view_jobs(
    session: Session,
    snapshot: QueueSnapshot,
    which: ColumnElement[bool],
    *,
    with_report: bool = False,
) -> list[JobView]:
    """The jobs for which `which` holds, newest first, in one statement, and another two for the
    positions of those that wait."""
    with_columns = [undefer(Job.recording_report)] if with_report else []
    rows = (
        session.scalars(
            select(Job)
            .join(Recording, Recording.id == Job.recording_id)
            .outerjoin(Attempt, Attempt.job_id == Job.id)
            .where(which)
            .options(contains_eager(Job.recording), contains_eager(Job.attempts), *with_columns)
            .order_by(Job.id.desc(), Attempt.number)
        )
        .unique()
        .all()
    )
    waiting = [row.id for row in rows if row.status == JobStatus.QUEUED]
    queue = positions_and_etas(session, snapshot, waiting)
    return [
        JobView(
            job=job_record(row),
            recognition=recognition_stats(row.attempts),
            queue_position=queue.position.get(row.id),
            now=snapshot.now,
            eta_s=queue.eta_s.get(row.id),
            workers_alive=None if row.status in TERMINAL else snapshot.workers,
            report=stored_report(row.recording_report) if with_report else None,
        )
        for row in rows
    ]
