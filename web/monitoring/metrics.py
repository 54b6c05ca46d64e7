"""Metrics for Prometheus: counters of this process, and gauges read from the database.

With several gunicorn processes PROMETHEUS_MULTIPROC_DIR is set before this is imported, and the
client library then keeps the counters in files that any of the processes can add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from shared import jobs
from shared.db import Database
from shared.states import JobStatus, Obstacle

SUBMISSIONS = Counter(
    "longscribe_submissions",
    "Submissions accepted; 'repeated' ones named a job that was there already.",
    ["result"],
)
UPLOADED_BYTES = Counter("longscribe_uploaded_bytes", "Bytes of recordings received in full.")
REQUEST_SECONDS = Histogram(
    "longscribe_http_request_seconds",
    "Time from the head of a request to its response, uploads included.",
    ["method", "endpoint", "status"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 60, 600),
)


class _Queue(Collector):
    """Gauges read from SQL at each scrape, so that all processes report the same values."""

    def __init__(self, db: Database, seen_within_s: float, usable_bytes: Callable[[], int]) -> None:
        self._db = db
        self._usable_bytes = usable_bytes
        self._seen_within_s = seen_within_s

    def collect(self) -> Iterator[Metric]:
        counts = jobs.queue_summary(self._db).by_status
        by_status = GaugeMetricFamily("longscribe_jobs", "Jobs by status.", labels=["status"])
        for status in JobStatus:
            by_status.add_metric([status.value], counts.get(status, 0))
        yield by_status
        yield GaugeMetricFamily(
            "longscribe_waiting_audio_seconds",
            "Audio of the queued jobs, estimated where it was not decoded yet.",
            value=jobs.waiting_audio_s(self._db),
        )
        yield GaugeMetricFamily(
            "longscribe_oldest_wait_seconds",
            "How long the job that was queued first has waited; 0 if none waits.",
            value=jobs.oldest_wait_s(self._db),
        )
        with suppress(OSError):  # none is better than a wrong one
            yield GaugeMetricFamily(
                "longscribe_usable_bytes",
                "Room on the fuller of recordings and work folder, beyond the reserve.",
                value=self._usable_bytes(),
            )
        seen = jobs.workers_seen(self._db, within_s=self._seen_within_s)
        yield GaugeMetricFamily("longscribe_workers", "Workers seen lately.", value=len(seen))
        kept = GaugeMetricFamily(
            "longscribe_workers_kept_from_work",
            "Workers seen lately that claim nothing, by what keeps them.",
            labels=["obstacle"],
        )
        for obstacle in Obstacle:
            count = sum(obstacle.value in worker.obstacles for worker in seen)
            kept.add_metric([obstacle.value], count)
        yield kept


def exposition(db: Database, *, seen_within_s: float, usable_bytes: Callable[[], int]) -> bytes:
    """Write all metrics in Prometheus' text format; an OSError of `usable_bytes` leaves that one
    out."""
    queue = CollectorRegistry()
    queue.register(_Queue(db, seen_within_s, usable_bytes))
    return generate_latest(queue) + generate_latest(_counters())


def _counters() -> CollectorRegistry:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:  # no shared folder was named: this process is the only one
        return REGISTRY
    return registry
