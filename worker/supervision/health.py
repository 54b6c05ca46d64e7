"""Health of a worker, for supervisors and for Prometheus: alive, ready, and why not.

Alive is what a restart could change: Celery's loop moves, the threads beside it run, and there is a
child or a new one is being made.  Ready is whether it could claim a job.  A worker without Redis,
database or storage is alive, and not ready: another start would help nobody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.jobs import Gpu
from shared.states import Obstacle
from worker.monitoring.counts import Counts
from worker.monitoring.exposition import families, gpu_families
from worker.supervision.monitor import Readiness

_LOOP_STANDS_S = 60.0
"""Celery's loop moves at least once a second, except while it connects to Redis."""

_RECONNECTS_WITHIN_S = 120.0
"""Seconds after Redis is back within which Celery connects: within a few, on a busy machine
later."""

_NEW_CHILD_WITHIN_S = 60.0
"""Celery starts another within seconds, which then takes as long as its model does."""


@dataclass
class Pulse:
    """Time at which Celery's loop moved last, as it reports by `beat` from its own thread."""

    at: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        self.at = time.monotonic()


class Health:
    """The health of the worker `name`, put together when it is asked for."""

    def __init__(
        self,
        name: str,
        *,
        readiness: Callable[[], Readiness],
        living_children: Callable[[], Mapping[int, Obstacle | None]],
        threads: Mapping[str, Callable[[], bool]],
        pulse: Pulse,
        counts: Callable[[], Counts] = Counts,
        gpus: Callable[[], Sequence[Gpu]] = tuple,
    ) -> None:
        self._name = name
        self._readiness = readiness
        self._living_children = living_children
        self._threads = threads
        self._pulse = pulse
        self._counts = counts
        self._gpus = gpus
        self._had_child_at = self._without_redis_at = time.monotonic()
        self._started_at = time.time()

    def ills(self) -> list[str]:
        """Reasons why the worker is not alive, in words; none if it is."""
        now = time.monotonic()
        if Obstacle.REDIS in self._readiness().obstacles:
            self._without_redis_at = now
        if self._living_children():
            self._had_child_at = now
        found = [
            f"the thread '{name}' has ended" for name, lives in self._threads.items() if not lives()
        ]
        if (
            now - self._pulse.at > _LOOP_STANDS_S
            and now - self._without_redis_at > _RECONNECTS_WITHIN_S
        ):
            found.append(f"Celery's loop has not moved for {now - self._pulse.at:.0f} s")
        if now - self._had_child_at > _NEW_CHILD_WITHIN_S:
            found.append(f"no child for {now - self._had_child_at:.0f} s")
        return found

    def obstacles(self) -> Sequence[Obstacle]:
        """Reasons why the worker is not ready; none if it is."""
        return self._readiness().obstacles

    def report(self) -> dict[str, Any]:
        """Complete report for JSON, with which /readyz answers."""
        readiness = self._readiness()
        return {
            "status": "not_ready" if readiness.obstacles else "ready",
            "worker": self._name,
            "obstacles": [
                {"code": one.value, "message": MESSAGES[one]} for one in readiness.obstacles
            ],
            "alive": not (ills := self.ills()),
            "ills": ills,
            "children": {
                str(pid): "ready" if obstacle is None else obstacle.value
                for pid, obstacle in self._living_children().items()
            },
            "work_room_bytes": readiness.work_room_bytes,
            "work_disk_bytes": readiness.work_disk_bytes,
            "gpus": [gpu.to_json() for gpu in self._gpus()],
            "pid": os.getpid(),
        }

    def metrics(self) -> bytes:
        """Write all figures in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Gauges(self, self._started_at, self._counts, self._gpus))
        return generate_latest(registry)


MESSAGES = {
    Obstacle.STARTING: "The model is being loaded.",
    Obstacle.MODEL_UNAVAILABLE: "The model cannot be loaded, or failed on a second of sound; the "
    "log says why.",
    Obstacle.DEVICE_FAILED: "The device failed; it is tried again after a pause.",
    Obstacle.STORAGE_NEW: "No web server has taken the storage of the recordings into use yet.",
    Obstacle.STORAGE_MISSING: "The folder of the recordings is not their storage: mount it.",
    Obstacle.STORAGE_OTHER: "Another storage than that of this database's recordings is mounted.",
    Obstacle.STORAGE_UNPROVEN: "None of the newest recordings is in their folder: mount it.",
    Obstacle.STORAGE_UNREACHABLE: "The storage of the recordings does not answer.",
    Obstacle.NO_ROOM: "The work folder has no room beyond LONGSCRIBE_MIN_FREE_BYTES.",
    Obstacle.DATABASE: "The database does not answer.",
    Obstacle.REDIS: "Redis does not answer or takes no message, so no doorbell is heard.",
}


class _Gauges(Collector):
    def __init__(
        self,
        health: Health,
        started_at: float,
        counts: Callable[[], Counts],
        gpus: Callable[[], Sequence[Gpu]],
    ) -> None:
        self._health = health
        self._started_at = started_at
        self._counts = counts
        self._gpus = gpus

    def collect(self) -> Iterator[Metric]:
        told = self._health.report()
        found = {one["code"] for one in told["obstacles"]}
        for name, text, value in (
            ("longscribe_worker_alive", "Whether nothing asks for a restart.", told["alive"]),
            ("longscribe_worker_ready", "Whether it could claim a job.", not found),
            ("longscribe_worker_children", "Children that live.", len(told["children"])),
            ("longscribe_worker_start_seconds", "Start, since the epoch.", self._started_at),
            ("longscribe_worker_work_room_bytes", "Room for decoding.", told["work_room_bytes"]),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, text, value=float(value))
        kept = GaugeMetricFamily(
            "longscribe_worker_kept_from_work", "1 for what keeps it.", labels=["obstacle"]
        )
        for obstacle in Obstacle:
            kept.add_metric([obstacle.value], float(obstacle.value in found))
        yield kept
        yield from gpu_families(self._gpus())
        yield from families(self._counts())
