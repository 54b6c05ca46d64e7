"""Faults: what they do, and when they do it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import redis

from tests.chaos.machinery.faults import freeze, kill_group, lives, thaw
from tests.chaos.soak.processes import LEASE_S, Lane, Machinery

FROZEN_WORKER_S = LEASE_S + 2.0
FROZEN_REDIS_S = 5.0
POSTGRESQL_OUT_S = (1.0, 8.0)

OF_A_LANE = {
    "child killed": 4,
    "worker killed": 3,
    "worker group killed": 2,
    "worker frozen": 2,
    "worker told to stop": 2,
    "web worker killed": 2,
    "web killed": 1,
}
"""Kinds and how often, in proportion."""

OF_ALL = {
    "redis killed": 2,
    "redis emptied": 2,
    "redis frozen": 1,
    "postgresql stopped": 1,
    "postgresql frozen": 1,
}
_OF_POSTGRESQL = {"postgresql stopped", "postgresql frozen"}

KINDS = (*OF_A_LANE, *OF_ALL)


@dataclass(frozen=True)
class Undoing:
    """What ends a fault that lasts."""

    at: float
    undo: Callable[[], None]


class FaultInjector:
    """Injects faults at the seed's moments, every `every_s` on average, when tended."""

    def __init__(
        self, machinery: Machinery, seed: int, *, every_s: float, without: Iterable[str] = ()
    ) -> None:
        self._machinery = machinery
        self._random = random.Random(seed)
        self._every_s = every_s
        spared = set(without) | (_OF_POSTGRESQL if not machinery.postgresql else set())
        self._weights = {
            kind: weight for kind, weight in (OF_A_LANE | OF_ALL).items() if kind not in spared
        }
        self._next_at = 0.0
        self._undoing: list[Undoing] = []
        self._busy: set[str] = set()
        self.done: Counter[str] = Counter()

    def tend(self, lanes: Iterable[str]) -> None:
        """Undo what is due, and inject the next fault if its time has come.

        `lanes`: the names of those that may be given one.
        """
        now = time.monotonic()
        for undoing in [undoing for undoing in self._undoing if undoing.at <= now]:
            self._undoing.remove(undoing)
            undoing.undo()
        if now < self._next_at:
            return
        self._next_at = now + self._random.expovariate(1 / self._every_s)
        # All are drawn each time, so that the same seed draws the same sequence.
        (kind,) = self._random.choices(list(self._weights), list(self._weights.values()))
        lane = self._machinery.lanes[self._random.choice(sorted(lanes))]
        out_s = self._random.uniform(*POSTGRESQL_OUT_S)
        if self._do(kind, lane, out_s):
            self.done[kind] += 1

    def end(self) -> None:
        """Undo all that lasts."""
        for undoing in self._undoing:
            undoing.undo()
        self._undoing.clear()

    def _do(self, kind: str, lane: Lane, out_s: float) -> bool:
        """Whether there was anything to do it to: what was killed may not be back yet."""
        match kind:
            case "child killed":
                return _kill(lane.model_processes())
            case "worker killed":
                return _kill([lane.worker.pid])
            case "worker group killed":
                with contextlib.suppress(ProcessLookupError):
                    kill_group(lane.worker.pid)
                    return True
                return False
            case "worker frozen":
                return self._freeze(kind, lane.worker_processes(), FROZEN_WORKER_S)
            case "worker told to stop":
                return _signal([lane.worker.pid], signal.SIGTERM)
            case "web worker killed":
                return _kill(lane.web_workers())
            case "web killed":
                return _kill([lane.web.pid])
            case "redis killed":
                return _kill([self._machinery.redis.pid])
            case "redis emptied":
                return self._empty_redis()
            case "redis frozen":
                return self._freeze(kind, [self._machinery.redis.pid], FROZEN_REDIS_S)
            case "postgresql stopped" | "postgresql frozen":
                return self._end_postgresql(kind, out_s)
        raise ValueError(kind)

    def _empty_redis(self) -> bool:
        with redis.Redis(
            unix_socket_path=str(self._machinery.redis_socket), socket_timeout=1
        ) as client:
            try:
                return bool(client.flushall())
            except redis.RedisError:
                return False

    def _freeze(self, kind: str, pids: list[int], seconds: float) -> bool:
        frozen = [pid for pid in pids if lives(pid)]
        if kind in self._busy or not frozen:
            return False
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                freeze(pid)

        def undo() -> None:
            self._busy.discard(kind)
            for pid in frozen:
                with contextlib.suppress(ProcessLookupError):
                    thaw(pid)

        self._later(kind, seconds, undo)
        return True

    def _end_postgresql(self, kind: str, seconds: float) -> bool:
        server = self._machinery.postgresql
        if server is None or self._busy & _OF_POSTGRESQL:
            return False
        if kind == "postgresql stopped":
            server.stop()
            begin = server.start
        else:
            server.freeze()
            begin = server.thaw

        def undo() -> None:
            self._busy.discard(kind)
            begin()

        self._later(kind, seconds, undo)
        return True

    def _later(self, kind: str, seconds: float, undo: Callable[[], None]) -> None:
        self._busy.add(kind)
        self._undoing.append(Undoing(time.monotonic() + seconds, undo))


def _signal(pids: Iterable[int], number: signal.Signals) -> bool:
    sent = False
    for pid in pids:
        if lives(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                sent = True
    return sent


def _kill(pids: Iterable[int]) -> bool:
    return _signal(pids, signal.SIGKILL)
