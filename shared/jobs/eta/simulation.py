"""When a waiting job will be done: the queue played forward in the order in which it is claimed.

Pure arithmetic on seconds from now; `throughput` has the rates, `positions` the jobs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any, NamedTuple

_PACE_NEEDS_PROGRESS = 0.02
"""Below this share, elapsed over progress says nothing yet."""

_Place = tuple[int, Any, str]  # priority downwards, queued, id
_Head = tuple[int, int, int, Any, str, str]
# priority downwards, the owner's running jobs and last turn, queued, id, owner


class WaitingJob(NamedTuple):
    """`work_s`: wall seconds that a worker needs for it; none takes it for `available_in_s`.
    `queued_at`: whatever is less the longer it waits."""

    job_id: str
    owner_id: str
    priority: int
    queued_at: Any
    work_s: float
    available_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker holds, and wall seconds until it is done."""

    owner_id: str
    remaining_s: float


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
    slots: int,
    turns: Mapping[str, int],
) -> dict[str, float]:
    """Wall seconds until each waiting job is done, by its id, in the order in which they are taken.

    `slots` is how many jobs all live workers run at once, `turns` when a job of each owner was
    last taken, as a number that grows.  Each slot that is free takes the next job as `claim` does:
    higher priority, then the owner with the fewest running, then the one whose turn is the longest
    ago, then the longest waiting.
    """
    if slots < 1:
        return {}
    queue = _Queue(running, turns)
    # More running than slots: a worker that was not seen lately still holds a job.
    free = [(job.remaining_s, job.owner_id) for job in running]
    free += [(0.0, "")] * (slots - len(running))
    heapify(free)
    later = [(job.available_in_s, job.job_id, job) for job in waiting if job.available_in_s > 0]
    heapify(later)
    queue.add([job for job in waiting if job.available_in_s <= 0])
    done_in: dict[str, float] = {}
    while later or queue.waits:
        now, freed_owner = free[0]
        queue.ended(freed_owner)
        while later and later[0][0] <= now:
            queue.add([heappop(later)[2]])
        if not queue.waits:
            heapreplace(free, (later[0][0], ""))  # idle until the next may be taken
            continue
        job = queue.take()
        done_in[job.job_id] = done_at = now + job.work_s
        heapreplace(free, (done_at, job.owner_id))
    return done_in


class _Queue:
    """The jobs that may be taken, in claim order, while owners' running jobs come and go.

    Each owner's jobs are a heap of their own.  The owners' first ones are in `_heads`, where an
    entry that is no longer its owner's newest is dropped once it comes up.
    """

    def __init__(self, running: Sequence[RunningJob], turns: Mapping[str, int]) -> None:
        self._running = Counter(job.owner_id for job in running)
        self._turns = dict(turns)
        self._latest_turn = max(turns.values(), default=0)
        self._jobs: defaultdict[str, list[tuple[_Place, WaitingJob]]] = defaultdict(list)
        self._heads: list[_Head] = []
        self._newest: dict[str, _Head] = {}
        self.waits = 0

    def add(self, jobs: Sequence[WaitingJob]) -> None:
        for job in jobs:
            place = (-job.priority, job.queued_at, job.job_id)
            heappush(self._jobs[job.owner_id], (place, job))
        self.waits += len(jobs)
        for owner_id in dict.fromkeys(job.owner_id for job in jobs):
            self._note(owner_id)

    def ended(self, owner_id: str) -> None:
        """One of the owner's running jobs is done. Of nobody's, `""`, there is none."""
        if self._running[owner_id]:
            self._running[owner_id] -= 1
            if self._jobs.get(owner_id):
                self._note(owner_id)

    def take(self) -> WaitingJob:
        while True:
            head = heappop(self._heads)
            owner_id = head[-1]
            if self._newest[owner_id] is head:
                break
        jobs = self._jobs[owner_id]
        job = heappop(jobs)[1]
        self.waits -= 1
        self._running[owner_id] += 1
        self._latest_turn += 1
        self._turns[owner_id] = self._latest_turn
        if jobs:
            self._note(owner_id)
        return job

    def _note(self, owner_id: str) -> None:
        """Put the owner's first job where it belongs now."""
        priority, queued_at, job_id = self._jobs[owner_id][0][0]
        turn = self._turns.get(owner_id, 0)
        head = (priority, self._running[owner_id], turn, queued_at, job_id, owner_id)
        self._newest[owner_id] = head
        heappush(self._heads, head)
