"""The one statement that changes a job's status.

An UPDATE that names the state it expects cannot race: of two of them, the database lets one
find its row and the other find none.  Nothing here reads first and writes after.  Whoever moves a
job says in the same call which events its history gets.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Update, update
from sqlalchemy.orm import Session

from shared.jobs.events import NewEvent, record
from shared.models import Job
from shared.states import EVENTS_OF, TRANSITIONS, JobStatus


def move(
    session: Session,
    job_id: str,
    from_status: JobStatus,
    to_status: JobStatus,
    *events: NewEvent,
    fence: int | None = None,
    **values: Any,
) -> bool:
    """Move a job along one arrow of TRANSITIONS, set `values` and record `events` with it, the
    last of which stands for the arrow.

    False if it was not in `from_status`, or if `fence` is given and is not the newest claim.
    """
    if to_status not in TRANSITIONS[from_status]:
        raise ValueError(f"a job never moves from {from_status} to {to_status}")
    if not events or events[-1].kind not in EVENTS_OF[from_status, to_status]:
        raise ValueError(f"no event says that a job moved from {from_status} to {to_status}")
    statement = update(Job).where(Job.id == job_id, Job.status == from_status.value)
    if fence is not None:
        statement = statement.where(Job.fence == fence)
    if not changes_one_row(session, statement.values(status=to_status.value, **values)):
        return False
    record(session, job_id, *events)
    return True


def changes_one_row(session: Session, statement: Update) -> bool:
    """Carry out an UPDATE; True if the row that its conditions ask for was there."""
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast(CursorResult[Any], result).rowcount == 1
