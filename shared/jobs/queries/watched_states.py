"""States of the jobs that somebody waits for, all read in one statement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from shared.db import Database
from shared.models import Job
from shared.states import TERMINAL


@dataclass(frozen=True, slots=True)
class WatchedState:
    """State of a running job for comparison: a different value means that something has changed."""

    status: str
    stage: str | None
    progress: float
    """Progress, which moves with each batch that is committed."""
    plan: str | None

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL


def watched_states(db: Database, job_ids: Collection[str]) -> dict[str, WatchedState]:
    """State of each of these jobs, whoever owns it; a job that is gone is left out."""
    with db.reading() as session:
        rows = session.execute(
            select(Job.id, Job.status, Job.stage, Job.progress, Job.plan_key).where(
                Job.id.in_(job_ids)
            )
        )
        return {row.id: WatchedState(row.status, row.stage, row.progress, row[4]) for row in rows}
