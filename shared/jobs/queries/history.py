"""History of a job: its events, and its attempts with their figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import JobNotFound
from shared.jobs.events import EventRecord
from shared.jobs.queries.records import AttemptRecord, attempt_record
from shared.jobs.queries.unreadable import cannot_be_read
from shared.models import Attempt, Job, JobEvent
from shared.states import EventKind
from shared.strict_json import stored_object

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JobHistory:
    """A job's events in the order in which they happened, and its attempts by number."""

    events: list[EventRecord]
    attempts: dict[int, AttemptRecord]


def get_history(db: Database, *, owner_id: str, job_id: str) -> JobHistory:
    """Read a job's events and attempts. Raises JobNotFound, for another owner's too.

    What of it cannot be read is left out.
    """
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        events = _readable(session, JobEvent, job_id, lambda row: _event_record(row, owner_id))
        attempts = _readable(session, Attempt, job_id, attempt_record)
    return JobHistory(events, {attempt.number: attempt for attempt in attempts})


_Row = TypeVar("_Row", JobEvent, Attempt)
_Record = TypeVar("_Record")


def _readable(
    session: Session, table: type[_Row], job_id: str, record: Callable[[_Row], _Record]
) -> list[_Record]:
    """A job's rows of a table in their order; where they cannot be read at once, those that can."""
    rows = select(table).where(table.job_id == job_id).order_by(table.id)
    try:
        return [record(row) for row in session.scalars(rows)]
    except Exception as error:
        if not cannot_be_read(error):
            raise
        log.error("something stored of a job's history cannot be read", job_id=job_id)
    found: list[_Record] = []
    for row_id in session.scalars(
        select(table.id).where(table.job_id == job_id).order_by(table.id)
    ).all():
        try:
            found += [record(row) for row in session.scalars(rows.where(table.id == row_id))]
        except Exception as error:
            if not cannot_be_read(error):
                raise
    return found


def _event_record(row: JobEvent, owner_id: str) -> EventRecord:
    detail = stored_object(row.detail)
    return EventRecord(
        row.id, row.job_id, owner_id, row.at, EventKind(row.kind), row.attempt, detail
    )
