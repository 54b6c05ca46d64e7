"""Where waiting jobs stand in the queue and when they and the running ones will be done: what the
database knows, simulated by `simulate_queue`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Subquery, func, select
from sqlalchemy.orm import Session

from shared.jobs.eta.simulation import RunningJob, WaitingJob, simulate_queue
from shared.jobs.eta.snapshot import QueueSnapshot
from shared.jobs.eta.throughput import audio_seconds_sql
from shared.models import Job, OwnerTurn, Recording
from shared.states import JobStatus

_MOST_SIMULATED = 2_000
"""Waiting jobs that are simulated; those further back are given no time."""

_KEPT_S = 5.0
"""Seconds that a simulation serves all who ask, unless something happens to a job."""


@dataclass(frozen=True, slots=True)
class QueuePositions:
    """Positions of waiting jobs and times until jobs are done, each by the job's id."""

    position: Mapping[str, int]
    """The place of a waiting job in the queue: 1 for the next to be taken."""
    eta_s: Mapping[str, float]
    """Wall seconds until it is done, where that is known."""


@dataclass(frozen=True, slots=True)
class _Simulation:
    mark: tuple[Any, ...]
    until: float
    """On this process's own clock."""
    done_in: dict[str, float]
    positions: dict[str, int]


_kept: WeakKeyDictionary[Any, _Simulation] = WeakKeyDictionary()
"""The newest simulation of each database. Threads may replace each other's, which is harmless."""


def positions_and_etas(
    session: Session, snapshot: QueueSnapshot, waiting: Sequence[str]
) -> QueuePositions:
    """Where the `waiting` jobs, by their ids, stand, and when they and all running ones will be
    done; other waiting jobs may be in the answer too."""
    running = {job.job_id: job.remaining_s(snapshot.throughput) for job in snapshot.running}
    eta_s = {job_id: left for job_id, left in running.items() if left is not None}
    if not waiting:
        return QueuePositions({}, eta_s)
    simulated = _simulation(session, snapshot)
    positions = simulated.positions
    if not positions.keys() >= set(waiting):
        positions = _positions_by_rank(session, waiting) | positions
    can_tell = snapshot.throughput and snapshot.slots
    return QueuePositions(positions, eta_s | simulated.done_in if can_tell else eta_s)


def _simulation(session: Session, snapshot: QueueSnapshot) -> _Simulation:
    """Simulate the queue, or give the last simulation if nothing has happened since."""
    database = session.get_bind()
    kept = _kept.get(database)
    if kept is not None and kept.mark == snapshot.queue_mark and time.monotonic() < kept.until:
        return kept
    waiting, turns = _waiting(session, snapshot)
    done_in = simulate_queue(
        waiting,
        [
            RunningJob(job.owner_id, job.remaining_s(snapshot.throughput) or 0.0)
            for job in snapshot.running
        ],
        # For the positions alone any throughput will do, and one worker.
        snapshot.slots or 1,
        turns,
    )
    positions = {job_id: place for place, job_id in enumerate(done_in, start=1)}
    kept = _Simulation(snapshot.queue_mark, time.monotonic() + _KEPT_S, done_in, positions)
    _kept[database] = kept
    return kept


def _waiting(session: Session, snapshot: QueueSnapshot) -> tuple[list[WaitingJob], dict[str, int]]:
    """The waiting jobs that are simulated, and the number of each owner's last turn."""
    throughput = snapshot.throughput or 1.0
    wanted = (
        select(
            Job.id,
            Job.owner_id,
            Job.priority,
            Job.queued_at,
            Job.available_at,
            (audio_seconds_sql() * (1 - Job.progress)).label("left_s"),
            OwnerTurn.number.label("turn"),
        )
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(OwnerTurn, OwnerTurn.owner_id == Job.owner_id)
    )
    if snapshot.waiting <= _MOST_SIMULATED:
        wanted = wanted.where(Job.status == JobStatus.QUEUED.value)
    else:
        of_owner = _of_each_owner()
        wanted = wanted.join(of_owner, of_owner.c.id == Job.id).order_by(*_taking_turns(of_owner))
    rows = session.execute(wanted.limit(_MOST_SIMULATED)).all()
    waiting = [
        WaitingJob(
            row.id,
            row.owner_id,
            row.priority,
            row.queued_at,
            work_s=row.left_s / throughput,
            available_in_s=max(0.0, (row.available_at - snapshot.now).total_seconds()),
        )
        for row in rows
    ]
    return waiting, {row.owner_id: row.turn for row in rows if row.turn is not None}


def _of_each_owner() -> Subquery:
    """Select the waiting jobs, each with its place among its owner's of the same priority."""
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


def _positions_by_rank(session: Session, wanted: Sequence[str]) -> dict[str, int]:
    """Positions of jobs that stand further back than what is simulated, by an order close to that
    of the claims."""
    of_owner = _of_each_owner()
    ranked = (
        select(Job.id, func.row_number().over(order_by=_taking_turns(of_owner)).label("place"))
        .join(of_owner, of_owner.c.id == Job.id)
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.id.in_(wanted)))
    return {row.id: row.place for row in rows}
