"""Reads of the tallies: jobs and audio by owner and state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, cast, func, select
from sqlalchemy.orm import Session

from shared.models import Tally
from shared.states import JobStatus


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of jobs, and the seconds of audio in them, decoded or estimated."""

    jobs: int = 0
    audio_s: float = 0.0


def counted(session: Session, status: JobStatus, *, owner_id: str | None = None) -> Counted:
    """The jobs in a state, of one owner or of all. What this transaction changed is in it."""
    statement = select(total(Tally.jobs), total(Tally.audio_ms)).where(Tally.status == status.value)
    if owner_id is not None:
        statement = statement.where(Tally.owner_id == owner_id)
    jobs, audio_ms = session.execute(statement).one()
    return Counted(jobs, audio_ms / 1000)


def counted_by_status(session: Session, *, owner_id: str | None = None) -> dict[JobStatus, int]:
    """The jobs in each state, of one owner or of all."""
    statement = select(Tally.status, total(Tally.jobs)).group_by(Tally.status)
    if owner_id is not None:
        statement = statement.where(Tally.owner_id == owner_id)
    found = {JobStatus(status): jobs for status, jobs in session.execute(statement)}
    return dict.fromkeys(JobStatus, 0) | found


def audio_by_owner(session: Session, status: JobStatus) -> dict[str, float]:
    """Seconds of audio of the jobs in a state, of each owner that has any."""
    statement = (
        select(Tally.owner_id, total(Tally.audio_ms))
        .where(Tally.status == status.value)
        .group_by(Tally.owner_id)
    )
    return {owner_id: ms / 1000 for owner_id, ms in session.execute(statement) if ms}


def jobs_in(status: JobStatus, owner_id: Any = None) -> Select[Any]:
    """Select the number of jobs in a state, of one owner or of all."""
    statement = select(total(Tally.jobs)).where(Tally.status == status.value)
    return statement if owner_id is None else statement.where(Tally.owner_id == owner_id)


def total(column: Any) -> Any:
    """The sum of a column of the tallies, a whole number; 0 of none."""
    # PostgreSQL sums bigint into numeric, which Python would get as a Decimal.
    return cast(func.coalesce(func.sum(column), 0), Tally.jobs.type)
