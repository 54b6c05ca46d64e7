"""Where waiting jobs stand in the line and when they and the running ones will be done: what the
database knows, played forward by `forecast`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, func, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from shared.jobs.forecast import RunningJob, WaitingJob, forecast, remaining_s
from shared.jobs.speed import audio_s, learnt_speed, likely_audio_s
from shared.models import Job, Recording, Turn
from shared.states import RUNNING, JobStatus

_LOOKS_AHEAD = 2_000
"""Waiting jobs that the forecast plays through; those further back are given no time."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """By a job's id."""

    places: dict[str, int]
    """Of waiting jobs: 1 for the next to be taken."""
    eta_s: dict[str, float]
    """Wall seconds until it is done, where that can be told."""


def outlook(session: Session, jobs: Sequence[Job], now: datetime, *, slots: int) -> Outlook:
    """Of `jobs` at least; `slots` is how many jobs all live workers run at once."""
    waiting = [job.id for job in jobs if job.status == JobStatus.QUEUED]
    if not waiting and not any(job.status == JobStatus.PROCESSING for job in jobs):
        return Outlook({}, {})
    speed = learnt_speed(session)
    eta_s = {job.id: left for job in jobs if (left := _remaining_s(job, now, speed)) is not None}
    if not waiting:
        return Outlook({}, eta_s)
    running = with_attempts(session, Job.status.in_([status.value for status in RUNNING]))
    done_in = forecast(
        # For the places alone any speed will do, and one worker.
        _waiting(session, now, speed or 1.0),
        [RunningJob(job.owner_id, _remaining_s(job, now, speed) or 0.0) for job in running],
        slots or 1,
        {turn.owner_id: turn.number for turn in session.scalars(select(Turn))},
    )
    places = {job_id: place for place, job_id in enumerate(done_in, start=1)}
    if not places.keys() >= set(waiting):
        places = _places_by_rank(session, waiting) | places
    return Outlook(places, eta_s | done_in if speed and slots else eta_s)


def with_attempts(session: Session, which: ColumnElement[bool]) -> Sequence[Job]:
    return session.scalars(
        select(Job)
        .join(Recording, Recording.id == Job.recording_id)
        .where(which)
        .options(contains_eager(Job.recording), selectinload(Job.attempts))
        .order_by(Job.id.desc())
    ).all()


def processing_s(job: Job, now: datetime) -> float:
    return sum(
        ((attempt.ended_at or now) - attempt.started_at).total_seconds() for attempt in job.attempts
    )


def _remaining_s(job: Job, now: datetime, speed: float | None) -> float | None:
    if job.status != JobStatus.PROCESSING:
        return None
    expected_s = likely_audio_s(job.recording) / speed if speed else None
    return remaining_s(job.progress, processing_s(job, now), expected_s)


def _of_each_owner() -> Subquery:
    """Waiting jobs, each with its place among its owner's of the same priority."""
    return (
        select(
            Job.id,
            func.row_number()
            .over(partition_by=(Job.owner_id, Job.priority), order_by=(Job.queued_at, Job.id))
            .label("place"),
        )
        .where(Job.status == JobStatus.QUEUED.value)
        .subquery()
    )


def _taking_turns(of_owner: Subquery) -> tuple[ColumnElement[Any], ...]:
    """An order close to that of the claims: the first of each owner, the second of each, ..."""
    return Job.priority.desc(), of_owner.c.place, Job.queued_at.expression, Job.id.expression


def _waiting(session: Session, now: datetime, speed: float) -> list[WaitingJob]:
    of_owner = _of_each_owner()
    rows = session.execute(
        select(
            Job.id,
            Job.owner_id,
            Job.priority,
            Job.queued_at,
            Job.available_at,
            (audio_s() * (1 - Job.progress)).label("left_s"),
        )
        .join(Recording, Recording.id == Job.recording_id)
        .join(of_owner, of_owner.c.id == Job.id)
        .order_by(*_taking_turns(of_owner))
        .limit(_LOOKS_AHEAD)
    )
    return [
        WaitingJob(
            row.id,
            row.owner_id,
            row.priority,
            row.queued_at,
            work_s=row.left_s / speed,
            available_in_s=max(0.0, (row.available_at - now).total_seconds()),
        )
        for row in rows
    ]


def _places_by_rank(session: Session, wanted: Sequence[str]) -> dict[str, int]:
    of_owner = _of_each_owner()
    ranked = (
        select(Job.id, func.row_number().over(order_by=_taking_turns(of_owner)).label("place"))
        .join(of_owner, of_owner.c.id == Job.id)
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.id.in_(wanted)))
    return {row.id: row.place for row in rows}
