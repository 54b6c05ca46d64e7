"""What happened to a job, and what its attempts recognised."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from shared.db import Database
from shared.errors import JobNotFound
from shared.jobs.events import EventRecord
from shared.jobs.queries.records import AttemptRecord, attempt_record
from shared.models import Attempt, Job, JobEvent
from shared.states import EventKind


@dataclass(frozen=True, slots=True)
class JobHistory:
    """A job's events in the order in which they happened, and its attempts by number."""

    events: list[EventRecord]
    attempts: dict[int, AttemptRecord]


def get_history(db: Database, *, owner_id: str, job_id: str) -> JobHistory:
    """What happened to a job. Raises JobNotFound, for another owner's too."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        events = session.scalars(
            select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id)
        )
        attempts = session.scalars(select(Attempt).where(Attempt.job_id == job_id))
        return JobHistory(
            [_event_record(row, owner_id) for row in events],
            {row.number: attempt_record(row) for row in attempts},
        )


def _event_record(row: JobEvent, owner_id: str) -> EventRecord:
    return EventRecord(
        row.id, row.job_id, owner_id, row.at, EventKind(row.kind), row.attempt, row.detail
    )
