"""Where waiting jobs stand in the line and when they and the running ones will be done: what the
database knows, played forward by `forecast`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Subquery, func, select
from sqlalchemy.orm import Session

from shared.jobs.eta.simulation import RunningJob, WaitingJob, forecast
from shared.jobs.eta.snapshot import Situation
from shared.jobs.eta.throughput import audio_s
from shared.models import Job, Recording, Turn
from shared.states import JobStatus

_LOOKS_AHEAD = 2_000
"""Waiting jobs that the forecast plays through; those further back are given no time."""

_KEPT_S = 5.0
"""So long a forecast serves all who ask, unless something happens; a page shows it for longer."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """By a job's id."""

    places: Mapping[str, int]
    """Of waiting jobs: 1 for the next to be taken."""
    eta_s: Mapping[str, float]
    """Wall seconds until it is done, where that can be told."""


@dataclass(frozen=True, slots=True)
class _Kept:
    mark: tuple[Any, ...]
    until: float
    """On this process's own clock."""
    done_in: dict[str, float]
    places: dict[str, int]


_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
"""The newest forecast of each database. Threads may replace each other's, which harms nobody."""


def outlook(session: Session, situation: Situation, jobs: Sequence[Job]) -> Outlook:
    """Of `jobs` at least."""
    running = {job.job_id: job.remaining_s(situation.speed) for job in situation.running}
    eta_s = {job_id: left for job_id, left in running.items() if left is not None}
    waiting = [job.id for job in jobs if job.status == JobStatus.QUEUED]
    if not waiting:
        return Outlook({}, eta_s)
    line = _line(session, situation)
    places = line.places
    if not places.keys() >= set(waiting):
        places = _places_by_rank(session, waiting) | places
    told = situation.speed and situation.slots
    return Outlook(places, eta_s | line.done_in if told else eta_s)


def _line(session: Session, situation: Situation) -> _Kept:
    """The queue played forward, or as it was an instant ago if nothing has happened since."""
    database = session.get_bind()
    kept = _kept.get(database)
    if kept is not None and kept.mark == situation.queue_mark and time.monotonic() < kept.until:
        return kept
    waiting, turns = _waiting(session, situation)
    done_in = forecast(
        waiting,
        [
            RunningJob(job.owner_id, job.remaining_s(situation.speed) or 0.0)
            for job in situation.running
        ],
        # For the places alone any speed will do, and one worker.
        situation.slots or 1,
        turns,
    )
    places = {job_id: place for place, job_id in enumerate(done_in, start=1)}
    kept = _Kept(situation.queue_mark, time.monotonic() + _KEPT_S, done_in, places)
    _kept[database] = kept
    return kept


def _waiting(session: Session, situation: Situation) -> tuple[list[WaitingJob], dict[str, int]]:
    """The waiting jobs that a forecast plays through, and when it was their owners' turn."""
    speed = situation.speed or 1.0
    wanted = (
        select(
            Job.id,
            Job.owner_id,
            Job.priority,
            Job.queued_at,
            Job.available_at,
            (audio_s() * (1 - Job.progress)).label("left_s"),
            Turn.number.label("turn"),
        )
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(Turn, Turn.owner_id == Job.owner_id)
    )
    if situation.waiting <= _LOOKS_AHEAD:
        wanted = wanted.where(Job.status == JobStatus.QUEUED.value)
    else:
        of_owner = _of_each_owner()
        wanted = wanted.join(of_owner, of_owner.c.id == Job.id).order_by(*_taking_turns(of_owner))
    rows = session.execute(wanted.limit(_LOOKS_AHEAD)).all()
    waiting = [
        WaitingJob(
            row.id,
            row.owner_id,
            row.priority,
            row.queued_at,
            work_s=row.left_s / speed,
            available_in_s=max(0.0, (row.available_at - situation.now).total_seconds()),
        )
        for row in rows
    ]
    return waiting, {row.owner_id: row.turn for row in rows if row.turn is not None}


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


def _places_by_rank(session: Session, wanted: Sequence[str]) -> dict[str, int]:
    of_owner = _of_each_owner()
    ranked = (
        select(Job.id, func.row_number().over(order_by=_taking_turns(of_owner)).label("place"))
        .join(of_owner, of_owner.c.id == Job.id)
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.id.in_(wanted)))
    return {row.id: row.place for row in rows}
