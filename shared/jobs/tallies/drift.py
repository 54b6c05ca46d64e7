"""Tallies compared with the jobs themselves.

Triggers keep them, so they drift only where somebody changed rows with triggers switched off, or
restored a part of a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, insert, literal, select, union_all

from shared.db import Database
from shared.jobs.tallies.audio import LONGEST_S, audio_seconds_sql
from shared.models import Job, Recording, Tally


@dataclass(frozen=True, slots=True)
class Drift:
    """Difference between an owner's jobs in a state and their tally; negative: the tally is too
    high."""

    owner_id: str
    status: str
    jobs: int
    audio_ms: int


def find_drift(db: Database) -> list[Drift]:
    """Count every job; the owners and states whose tallies differ."""
    with db.reading() as session:
        return [Drift(*row) for row in session.execute(_missing(db))]


def recount(db: Database) -> list[Drift]:
    """Count every job and add to the tallies what is missing; what that was.

    One statement sees the jobs and the tallies as of one moment, so nobody has to wait meanwhile.
    """
    columns = ["owner_id", "status", "jobs", "audio_ms", "is_sum"]
    missing = _missing(db).add_columns(literal(db.is_sqlite))
    with db.writing() as session:
        rows = session.execute(
            insert(Tally)
            .from_select(columns, missing, include_defaults=False)
            .returning(Tally.owner_id, Tally.status, Tally.jobs, Tally.audio_ms)
        ).all()
        return [Drift(*row) for row in rows]


def _missing(db: Database) -> Select[Any]:
    least = func.min if db.is_sqlite else func.least
    audio_s = func.coalesce(audio_seconds_sql(), 0.0)
    audio_ms = cast(func.round(1000 * least(LONGEST_S, audio_s)), BigInteger)
    counted = union_all(
        select(Job.owner_id, Job.status, literal(1).label("jobs"), audio_ms.label("audio_ms")).join(
            Recording, Recording.id == Job.recording_id
        ),
        select(Tally.owner_id, Tally.status, -Tally.jobs, -Tally.audio_ms),
    ).subquery()
    jobs, audio = (
        cast(func.sum(column), BigInteger) for column in (counted.c.jobs, counted.c.audio_ms)
    )
    return (
        select(counted.c.owner_id, counted.c.status, jobs, audio)
        .group_by(counted.c.owner_id, counted.c.status)
        .having((jobs != 0) | (audio != 0))
        .order_by(counted.c.owner_id, counted.c.status)
    )
