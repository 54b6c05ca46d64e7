"""Seconds for which the job that was queued first has waited."""

from __future__ import annotations

from sqlalchemy import func, select

from shared.db import Database, database_now
from shared.models import Job, in_one_of
from shared.states import JobStatus


def oldest_wait_s(db: Database) -> float:
    """Seconds since the oldest of the waiting jobs was queued, by the database's clock; 0.0 if none
    waits. Those that wait for a worker of their model, or for another try, are among them."""
    # Each of the two has an index; of both at once every job would be read.
    of_either = [
        select(func.min(Job.queued_at))
        .where(in_one_of(JobStatus.QUEUED), condition)
        .scalar_subquery()
        for condition in (Job.model.is_(None), Job.model.is_not(None))
    ]
    with db.reading() as session:
        now, *found = session.execute(select(database_now(), *of_either)).one()
    oldest = min((at for at in found if at is not None), default=None)
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
