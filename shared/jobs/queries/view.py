"""A job as the API and the pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from math import isfinite

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, contains_eager, undefer

from shared.jobs.eta.queue_positions import positions_and_etas
from shared.jobs.eta.snapshot import QueueSnapshot
from shared.jobs.eta.time_spent import job_s
from shared.jobs.queries.recognition_stats import RecognitionStats, recognition_stats
from shared.jobs.queries.records import AttemptRecord, JobRecord, job_record, stored_report
from shared.jobs.queries.unreadable import (
    cannot_be_read,
    ids_of,
    remains_of,
    require_seconds,
)
from shared.models import Attempt, Job, Recording
from shared.states import TERMINAL, JobStatus, WaitReason
from shared.transcripts.recording_report import RecordingReport


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is shown: what is stored, and what is computed from it and from the queue."""

    job: JobRecord
    recognition: RecognitionStats | None
    """Figures of the recognition over all attempts; None until a batch size was chosen."""
    queue_position: int | None
    """Place in the queue, owners taking turns, 1 for the next to be taken; None unless queued, and
    while no worker runs the model that it names."""
    now: datetime
    """The database's clock at the time of reading."""
    eta_s: float | None
    """Wall seconds until it is done. For a running job by its own rate and that of jobs before;
    for a waiting one also by what is ahead of it and how many are run at once.  None for others,
    and for a waiting one if nothing was learned yet or no worker lives."""
    workers_alive: int | None
    """Workers that reported themselves lately; None once the job is at its end."""
    waits_for: WaitReason | None = None
    """Reason why no worker will take the job; None where one will, and unless queued."""
    report: RecordingReport | None = None
    """Report on the recording. None in lists, until every word is there, and of jobs of a version
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
    positions of those that wait.

    A job of which something cannot be read is among them, with what is left of it.
    """
    loaded = _load(session, which, with_report=with_report)
    waiting = [job.id for job in loaded if job.status == JobStatus.QUEUED]
    queue = positions_and_etas(session, snapshot, waiting)

    def view(job: Job | JobRecord) -> JobView:
        eta_s = queue.eta_s.get(job.id)
        row = None if isinstance(job, JobRecord) else job
        return JobView(
            job=job if isinstance(job, JobRecord) else job_record(job),
            recognition=None if row is None else recognition_stats(row.attempts),
            queue_position=queue.position.get(job.id),
            now=snapshot.now,
            eta_s=eta_s if eta_s is not None and isfinite(eta_s) else None,
            workers_alive=None if job.status in TERMINAL else snapshot.workers,
            waits_for=_wait_reason(job, snapshot),
            report=stored_report(row.recording_report) if row and with_report else None,
        )

    def view_or_remains(job: Job | JobRecord) -> JobView:
        try:
            viewed = view(job)
            _require_sense(viewed)
        except Exception as error:
            if not cannot_be_read(error):
                raise
            return view(remains_of(session, job.id))
        return viewed

    return [view_or_remains(job) for job in loaded]


def records_of(session: Session, which: ColumnElement[bool]) -> list[JobRecord]:
    """The jobs for which `which` holds as they are stored, newest first, without the queue."""

    def record(job: Job | JobRecord) -> JobRecord:
        try:
            return job if isinstance(job, JobRecord) else job_record(job)
        except Exception as error:
            if not cannot_be_read(error):
                raise
            return remains_of(session, job.id)

    return [record(job) for job in _load(session, which, with_report=False)]


def _wait_reason(job: Job | JobRecord, snapshot: QueueSnapshot) -> WaitReason | None:
    if job.status != JobStatus.QUEUED:
        return None
    if not snapshot.workers:
        return WaitReason.NO_WORKER
    return None if snapshot.is_run(job.model) else WaitReason.NO_WORKER_OF_MODEL


def _load(
    session: Session, which: ColumnElement[bool], *, with_report: bool
) -> Sequence[Job | JobRecord]:
    """The rows, all at once; one by one where that fails, to find those that cannot be read."""
    try:
        return _rows(session, which, with_report=with_report)
    except Exception as error:
        if not cannot_be_read(error):
            raise
    loaded: list[Job | JobRecord] = []
    for job_id in ids_of(session, which):
        try:
            loaded += _rows(session, Job.id == job_id, with_report=with_report)
        except Exception as error:
            if not cannot_be_read(error):
                raise
            loaded.append(remains_of(session, job_id))
    return loaded


def _rows(session: Session, which: ColumnElement[bool], *, with_report: bool) -> Sequence[Job]:
    with_columns = [undefer(Job.recording_report)] if with_report else []
    return (
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


def _require_sense(view: JobView) -> None:
    """Check the numbers that are shown. Raises ValueError for one that nothing can have."""
    require_seconds(view.job.recording.duration_s, view.processing_s)
    share = view.job.low_confidence_share
    numbers = [view.job.progress, 0.0 if share is None else share]
    if view.recognition is not None:
        numbers += [n for n in astuple(view.recognition) if isinstance(n, float)]
    if not all(map(isfinite, numbers)):
        raise ValueError(f"a number of {numbers} is none")
