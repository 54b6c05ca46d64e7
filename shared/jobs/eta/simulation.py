"""Simulation of the queue in the order of claims, which gives the expected end of each waiting job.

Pure arithmetic on seconds from now; `throughput` has the rates, `queue_positions` the jobs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any, NamedTuple

_PACE_NEEDS_PROGRESS = 0.02
"""Share of a job that has to be done before elapsed time over progress says anything."""

_Place = tuple[int, Any, str]  # priority downwards, queued, id
_Head = tuple[int, int, int, Any, str, "_Line"]
# priority downwards, the owner's running jobs and last turn, queued, id; the line is not compared

ANY = ""
"""Stands for a model's name where the job names none, or none is known of the worker."""


class WaitingJob(NamedTuple):
    """`work_s`: wall seconds that a worker needs for it; none takes it for `available_in_s`.
    `queued_at`: whatever is less the longer it waits."""

    job_id: str
    owner_id: str
    priority: int
    queued_at: Any
    work_s: float
    available_in_s: float = 0.0
    model: str = ANY


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker of a model holds, and wall seconds until it is done."""

    owner_id: str
    remaining_s: float
    model: str = ANY


def remaining_s(progress: float, spent_s: float, expected_s: float | None) -> float | None:
    """Wall seconds until a running job is done.

    `expected_s` is what such a recording takes by what was learned, `spent_s` what this one took
    so far.  Its own pace counts for as much as is done, so an early guess does not follow the
    first seconds, which read much and recognise little.  None where neither says anything.
    """
    own_s = spent_s / progress if progress >= _PACE_NEEDS_PROGRESS else None
    if expected_s is None:
        return None if own_s is None else own_s * (1 - progress)
    if own_s is None:
        return expected_s * (1 - progress)
    return (progress * own_s + (1 - progress) * expected_s) * (1 - progress)


def simulate_queue(
    waiting: Sequence[WaitingJob],
    running: Sequence[RunningJob],
    slots: Mapping[str, int],
    turns: Mapping[str, int],
) -> dict[str, float]:
    """Wall seconds until each waiting job is done, by its id, in the order in which they are taken.

    `slots` is how many jobs the live workers of each model run at once, `turns` when a job of each
    owner was last taken, as a number that grows.  Each slot that is free takes the next job as
    `claim` does, of those that name its model or none: higher priority, then the owner with the
    fewest running, then the one whose turn is the longest ago, then the longest waiting.  A job
    that no slot may take is left out.
    """
    queue = _Queue(running, turns)
    free = [(job.remaining_s, job.owner_id, job.model) for job in running]
    held = Counter(job.model for job in running)
    for model, number in slots.items():
        # More held than slots: a worker that was not seen lately still holds a job.
        free += [(0.0, "", model)] * (number - held[model])
    if not any(slots.values()):
        return {}
    heapify(free)
    later = [(job.available_in_s, job.job_id, job) for job in waiting if job.available_in_s > 0]
    heapify(later)
    queue.add([job for job in waiting if job.available_in_s <= 0])
    done_in: dict[str, float] = {}
    while free and (later or queue.waits):
        now, freed_owner, model = free[0]
        queue.ended(freed_owner)
        while later and later[0][0] <= now:
            queue.add([heappop(later)[2]])
        job = queue.take(model)
        if job is not None:
            done_in[job.job_id] = done_at = now + job.work_s
            heapreplace(free, (done_at, job.owner_id, model))
        elif later:
            heapreplace(free, (later[0][0], "", model))  # idle until the next may be taken
        else:
            heappop(free)  # what waits is for workers of other models
    return done_in


@dataclass(slots=True)
class _Line:
    """An owner's waiting jobs for one model, as a heap."""

    owner_id: str
    heads: list[_Head]
    """First jobs of all lines for this model."""
    jobs: list[tuple[_Place, WaitingJob]] = field(default_factory=list)
    newest: _Head | None = None
    """Newest entry of this line in `heads`; None before the first."""


class _Queue:
    """The jobs that may be taken, in claim order, while owners' running jobs come and go.

    The first of each line are in `_heads`, by model, where an entry that is no longer its line's
    newest is dropped once it comes up.
    """

    def __init__(self, running: Sequence[RunningJob], turns: Mapping[str, int]) -> None:
        self._running = Counter(job.owner_id for job in running)
        self._turns = dict(turns)
        self._latest_turn = max(turns.values(), default=0)
        self._lines: dict[tuple[str, str], _Line] = {}
        self._lines_of: defaultdict[str, list[_Line]] = defaultdict(list)
        """Lines by owner."""
        self._heads: defaultdict[str, list[_Head]] = defaultdict(list)
        self.waits = 0

    def add(self, jobs: Sequence[WaitingJob]) -> None:
        longer = {}
        for job in jobs:
            key = job.owner_id, job.model
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line(job.owner_id, self._heads[job.model])
                self._lines_of[job.owner_id].append(line)
            heappush(line.jobs, ((-job.priority, job.queued_at, job.job_id), job))
            longer[key] = line
        self.waits += len(jobs)
        for line in longer.values():
            self._note(line)

    def ended(self, owner_id: str) -> None:
        """Note that one of the owner's running jobs is done; no job runs for nobody, `""`."""
        if self._running[owner_id]:
            self._running[owner_id] -= 1
            self._note_all(owner_id)

    def take(self, model: str) -> WaitingJob | None:
        """The next job for a worker of `model`; None if none that waits is for it."""
        head = self._first(ANY)
        if model != ANY:
            named = self._first(model)
            head = min(head, named) if head and named else head or named
        if head is None:
            return None
        line = head[-1]
        heappop(line.heads)
        job = heappop(line.jobs)[1]
        self.waits -= 1
        self._running[line.owner_id] += 1
        self._latest_turn += 1
        self._turns[line.owner_id] = self._latest_turn
        self._note_all(line.owner_id)
        return job

    def _first(self, model: str) -> _Head | None:
        heads = self._heads[model]
        while heads:
            head = heads[0]
            if head[-1].newest is head:
                return head
            heappop(heads)
        return None

    def _note_all(self, owner_id: str) -> None:
        for line in self._lines_of[owner_id]:
            if line.jobs:
                self._note(line)

    def _note(self, line: _Line) -> None:
        """Put the first job of a line where it belongs now."""
        owner_id, place = line.owner_id, line.jobs[0][0]
        turn = self._turns.get(owner_id, 0)
        head = (place[0], self._running[owner_id], turn, place[1], place[2], line)
        line.newest = head
        heappush(line.heads, head)
