"""State of the queue at one moment, read in two statements whatever its length, and a third where a
waiting job names a model.

All that a simulation of the queue depends on but the waiting jobs themselves: who works, on what
and how fast, and a mark that differs once something has happened to any job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Float,
    Row,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from shared.db import database_now, readable_rows
from shared.dialects import told_limit
from shared.jobs.eta.simulation import ANY, remaining_s
from shared.jobs.eta.throughput import last_completed, throughput_of
from shared.jobs.eta.time_spent import job_s
from shared.jobs.scheduling.index_of_waiting import FOR_MODEL
from shared.jobs.tallies.audio import audio_seconds_sql
from shared.jobs.tallies.counts import jobs_in
from shared.models import AnnotationEdit, Attempt, Job, JobEvent, Recording, WorkerSeen, in_one_of
from shared.states import RUNNING, JobStatus


@dataclass(frozen=True, slots=True)
class Running:
    """A job that a worker holds. Lengths and times are seconds."""

    job_id: str
    owner_id: str
    status: JobStatus
    stage: str | None
    progress: float
    length_s: float
    attempt: int
    model: str
    """The worker's; ANY where that is not known."""
    spent_s: float
    """Wall seconds that workers spent on it, over all of its attempts."""

    def remaining_s(self, throughput: float | None) -> float | None:
        """Wall seconds until it is done; None if nothing says, or it was cancelled."""
        if self.status is not JobStatus.PROCESSING:
            return None
        expected_s = self.length_s / throughput if throughput else None
        return remaining_s(self.progress, self.spent_s, expected_s)

    @property
    def mark(self) -> tuple[Any, ...]:
        """Differs once the job's state, stage, progress or attempt does."""
        return self.job_id, self.status, self.stage, self.progress, self.attempt


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """The workers, the running jobs and what waits, at one moment."""

    now: datetime
    """The time by the database's clock."""
    workers: int
    """Workers that reported themselves lately."""
    slots: int
    """Jobs that these run at once, less those of workers that something keeps from work."""
    models: Mapping[str, int] | None
    """The slots by model, of those that live workers run, if a waiting job names a model."""
    waiting: int
    """Jobs of all owners."""
    counts: dict[JobStatus, int]
    """The owner's jobs by state; empty unless an owner was named."""
    running: tuple[Running, ...]
    """Jobs of all owners that workers hold."""
    throughput: float | None
    """Audio seconds a wall second, by the jobs that were completed last; None before the
    first."""
    queue_mark: tuple[Any, ...]
    """Differs between two snapshots if anything but time that a simulation depends on does."""
    owner_mark: tuple[Any, ...]
    """Differs, together with `queue_mark`, if a list of the owner's jobs does."""

    def is_run(self, model: str | None) -> bool:
        """Return whether a live worker runs the model that a waiting job names; None: any does."""
        return model is None or (self.models is not None and model in self.models)


def take_snapshot(
    session: Session, *, seen_within_s: float, owner_id: str | None = None
) -> QueueSnapshot:
    """Read how the queue stands now. With `owner_id` that owner's jobs are counted by state too."""
    about = session.execute(
        _about(seen_within_s, owner_id is not None), {"owner_id": owner_id}
    ).one()
    rates = readable_rows(session, _recent_rates())
    running = tuple(_running(rates, about.now))
    counts = {} if owner_id is None else {status: about._mapping[status] for status in JobStatus}
    throughput = throughput_of([row for row in rates if row.job_id is None])
    models = _models(session, seen_within_s) if about.names_models else None
    return QueueSnapshot(
        now=about.now,
        workers=about.workers,
        slots=about.slots,
        models=models,
        waiting=about.waiting,
        counts=counts,
        running=running,
        throughput=throughput,
        queue_mark=(
            about.last_event,
            about.last_event_at,
            about.last_event_of,
            about.waiting,
            about.workers,
            about.slots,
            None if models is None else tuple(sorted(models.items())),
            throughput,
            *(job.mark for job in running),
        ),
        owner_mark=(
            *counts.values(),
            about._mapping.get("newest"),
            about._mapping.get("newest_edit"),
        ),
    )


@cache
def _about(seen_within_s: float, of_an_owner: bool) -> Select[Any]:
    alive = WorkerSeen.seen_at >= database_now(-seen_within_s)
    # Whatever moves a job writes an event with the next number.  A job that is deleted takes its
    # events with it, and SQLite gives the highest number again: hence its time and its job.
    newest = aliased(JobEvent, name="newest_event")
    last_event = select(newest).order_by(newest.id.desc()).limit(told_limit(1)).subquery()
    columns: list[Any] = [
        database_now().label("now"),
        _scalar("workers", select(func.count()).where(alive)),
        _scalar(
            "slots",
            select(func.coalesce(func.sum(WorkerSeen.jobs_at_once), 0)).where(
                alive, WorkerSeen.obstacles == ""
            ),
        ),
        last_event.c.id.label("last_event"),
        last_event.c.at.label("last_event_at"),
        last_event.c.job_id.label("last_event_of"),
        _scalar("waiting", jobs_in(JobStatus.QUEUED)),
        # Of a column that is new PostgreSQL knows nothing until it has looked at many changed rows:
        # asked only whether there is one, it reads the whole table. Asked for the first in the
        # order of the index, it takes that.
        _scalar(
            "names_models",
            select(Job.id)
            .where(in_one_of(JobStatus.QUEUED), Job.model.is_not(None))
            .order_by(text(FOR_MODEL.first_owner))
            .limit(told_limit(1)),
        ),
    ]
    if of_an_owner:
        owner_id: Any = bindparam("owner_id")
        columns += [_scalar(status.value, jobs_in(status, owner_id)) for status in JobStatus]
        columns.append(_scalar("newest", select(func.max(Job.id)).where(Job.owner_id == owner_id)))
        edits = select(func.max(AnnotationEdit.id)).where(AnnotationEdit.owner_id == owner_id)
        columns.append(_scalar("newest_edit", edits))
    one_row = select(literal(1).label("one")).subquery()
    return select(*columns).select_from(one_row).outerjoin(last_event, true())


def _models(session: Session, seen_within_s: float) -> dict[str, int]:
    works = case((WorkerSeen.obstacles == "", WorkerSeen.jobs_at_once), else_=0)
    rows = session.execute(
        select(WorkerSeen.model_name, func.sum(works))
        .where(WorkerSeen.seen_at >= database_now(-seen_within_s))
        .group_by(WorkerSeen.model_name)
    )
    return {model or ANY: int(slots) for model, slots in rows}


def _scalar(name: str, statement: Select[Any]) -> Any:
    return statement.scalar_subquery().label(name)


@cache
def _recent_rates() -> Any:
    """Select each attempt of the jobs that run, in order, and those that were completed last, whose
    `job_id` is null."""
    running = (
        select(
            Job.id.label("job_id"),
            Job.owner_id,
            Job.status,
            Job.stage,
            Job.progress,
            cast(audio_seconds_sql(), Float).label("duration_s"),
            Attempt.number,
            Attempt.model,
            Attempt.started_at,
            Attempt.ended_at,
        )
        .join(Recording, Recording.id == Job.recording_id)
        .join(Attempt, Attempt.job_id == Job.id)
        .where(in_one_of(*RUNNING))
        .order_by(Job.id, Attempt.number)
        .subquery()
    )
    completed = last_completed().subquery()
    return union_all(
        select(running),
        select(
            null(),
            null(),
            null(),
            null(),
            cast(null(), Float),
            completed.c.duration_s,
            literal(1),
            completed.c.model,
            completed.c.started_at,
            completed.c.ended_at,
        ),
    )


def _running(rates: Sequence[Row[Any]], now: datetime) -> list[Running]:
    # The parts of a union have an order only by custom of the database.
    rows = sorted(
        (row for row in rates if row.job_id is not None), key=lambda row: (row.job_id, row.number)
    )
    jobs = []
    for _, group in groupby(rows, key=lambda row: row.job_id):
        attempts = list(group)
        latest = attempts[-1]
        spent_s = job_s(attempts, now)
        jobs.append(
            Running(
                job_id=latest.job_id,
                owner_id=latest.owner_id,
                status=JobStatus(latest.status),
                stage=latest.stage,
                progress=latest.progress,
                length_s=latest.duration_s,
                attempt=latest.number,
                model=latest.model or ANY,
                spent_s=spent_s,
            )
        )
    return jobs
