"""Positions of waiting jobs in the queue, and the expected ends of these and the running ones: the
rows of the database, simulated by `simulate_queue`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from shared.jobs.eta.simulation import ANY, RunningJob, WaitingJob, simulate_queue
from shared.jobs.eta.snapshot import QueueSnapshot
from shared.jobs.scheduling.approximate_places import (
    Place,
    WaitingOwners,
    first_of_each_owner,
    places,
    waiting_owners,
)

_MOST_SIMULATED = 1_000
"""Waiting jobs that are simulated, as many of each owner; those further back are given a place that
is about right, and no time."""

_KEPT_S = 5.0
"""Seconds that a simulation serves all who ask, unless something happens to a job."""

_LARGE, _LARGE_KEPT_S = 500, 0.5
"""A simulation of so many jobs serves for this long also when something happens to one of them: in
a large installation something always does."""


@dataclass(frozen=True, slots=True)
class QueuePositions:
    """Positions of waiting jobs and times until jobs are done, each by the job's id."""

    position: Mapping[str, int]
    """The place of a waiting job in the queue: 1 for the next to be taken."""
    eta_s: Mapping[str, float]
    """Wall seconds until it is done, where that is known."""


@dataclass(frozen=True, slots=True)
class _Queue:
    mark: tuple[Any, ...]
    until: float
    """Time at which the queue is read anew in any case, on this process's own clock;
    `whatever_happens_until` is on the same."""
    whatever_happens_until: float
    owners: WaitingOwners
    is_simulated: bool
    done_in: dict[str, float]
    positions: dict[str, int]


_kept: WeakKeyDictionary[Any, _Queue] = WeakKeyDictionary()
"""The queue of each database as it was last read. Threads may replace each other's, which is
harmless."""


def positions_and_etas(
    session: Session, snapshot: QueueSnapshot, waiting: Sequence[str]
) -> QueuePositions:
    """Positions of the `waiting` jobs, given by their ids, and expected ends of these and of all
    running ones; other waiting jobs may be in the answer too.

    A job that names a model stands among those that its workers may take.  While none of them
    lives it stands nowhere.
    """
    running = {job.job_id: job.remaining_s(snapshot.throughput) for job in snapshot.running}
    eta_s = {job_id: left for job_id, left in running.items() if left is not None}
    if not waiting:
        return QueuePositions({}, eta_s)
    queue = _kept_queue(session, snapshot) or _read_queue(session, snapshot)
    found = _further_back(session, snapshot, queue, waiting)
    if not queue.is_simulated and any(
        place.rank <= queue.owners.first_of_each(_MOST_SIMULATED) for place in found.values()
    ):
        queue = _simulate(session, snapshot)
        found = _further_back(session, snapshot, queue, waiting)
    positions = {job_id: place.in_queue for job_id, place in found.items()} | queue.positions
    can_tell = snapshot.throughput and snapshot.slots
    return QueuePositions(positions, eta_s | queue.done_in if can_tell else eta_s)


def _further_back(
    session: Session, snapshot: QueueSnapshot, queue: _Queue, waiting: Sequence[str]
) -> Mapping[str, Place]:
    """Approximate places of those jobs that were not simulated."""
    unknown = [job_id for job_id in waiting if job_id not in queue.positions]
    return places(session, queue.owners, unknown, snapshot.models) if unknown else {}


def _kept_queue(session: Session, snapshot: QueueSnapshot) -> _Queue | None:
    """The queue as it was last read if nothing has happened since."""
    kept = _kept.get(session.get_bind())
    if kept is None:
        return None
    serves_until = kept.until if kept.mark == snapshot.queue_mark else kept.whatever_happens_until
    return kept if time.monotonic() < serves_until else None


def _read_queue(session: Session, snapshot: QueueSnapshot) -> _Queue:
    """Read who waits, and simulate the queue where that is not much more, or the only way."""
    if snapshot.waiting > _MOST_SIMULATED:
        began = time.monotonic()
        owners = waiting_owners(session, snapshot.models)
        if owners.first_of_each(_MOST_SIMULATED):
            return _keep(session, snapshot, began, owners)
    return _simulate(session, snapshot)


def _keep(
    session: Session,
    snapshot: QueueSnapshot,
    began: float,
    owners: WaitingOwners,
    done_in: dict[str, float] | None = None,
    *,
    is_large: bool = True,
) -> _Queue:
    """Keep the queue for the next who asks; `done_in` of a simulation, in the order of the jobs."""
    queue = _Queue(
        snapshot.queue_mark,
        until=time.monotonic() + _KEPT_S,
        whatever_happens_until=began + (_LARGE_KEPT_S if is_large else 0.0),
        owners=owners,
        is_simulated=done_in is not None,
        done_in=done_in or {},
        positions={job_id: place for place, job_id in enumerate(done_in or (), start=1)},
    )
    _kept[session.get_bind()] = queue
    return queue


def _simulate(session: Session, snapshot: QueueSnapshot) -> _Queue:
    began = time.monotonic()
    slots = _slots(snapshot)
    owners, rows = first_of_each_owner(session, _MOST_SIMULATED, snapshot.models, slots.keys())
    throughput = snapshot.throughput or 1.0
    done_in = simulate_queue(
        [
            WaitingJob(
                job_id,
                owner_id,
                priority,
                queued_at,
                left_s / throughput,
                0.0 if available_at is None else _seconds_until(available_at, snapshot.now),
                model or ANY,
            )
            # Unpacked in the order of `first_of_each_owner`: names are looked up a thousand times.
            for job_id, owner_id, priority, queued_at, available_at, left_s, _, model, *_ in rows
        ],
        [
            RunningJob(
                job.owner_id,
                job.remaining_s(snapshot.throughput) or 0.0,
                ANY if snapshot.models is None else job.model,
            )
            for job in snapshot.running
        ],
        slots,
        {owner_id: turn for _, owner_id, _, _, _, _, turn, *_ in rows if turn is not None},
    )
    done_in = dict(islice(done_in.items(), _foreseen(owners, rows, done_in)))
    return _keep(session, snapshot, began, owners, done_in, is_large=len(rows) > _LARGE)


def _slots(snapshot: QueueSnapshot) -> Mapping[str, int]:
    """Number of jobs that workers run at once, by model. Where none takes any, one of each: for the
    positions alone any throughput will do, and one worker."""
    if snapshot.models is None:
        return {ANY: snapshot.slots or 1}
    working = {model: slots for model, slots in snapshot.models.items() if slots}
    return working or dict.fromkeys([*snapshot.models, ANY], 1)


def _seconds_until(then: datetime, now: datetime) -> float:
    return max(0.0, (then - now).total_seconds())


def _foreseen(owners: WaitingOwners, rows: Sequence[Any], order: Iterable[str]) -> int:
    """Number of simulated jobs whose place does not depend on the jobs behind them: up to the last
    that is known of an owner who has more, for the same model or any."""
    line_of = {job_id: (owner_id, model) for job_id, owner_id, _, _, _, _, _, model, *_ in rows}
    known = Counter(line_of.values())
    left = dict(known)
    for taken, job_id in enumerate(order, start=1):
        line = line_of[job_id]
        left[line] -= 1
        if not left[line] and owners.waiting(*line) > known[line]:
            return taken
    return len(line_of)
