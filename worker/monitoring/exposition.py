"""The counts of a worker as Prometheus has them. Children count without loading its library."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from worker.monitoring.counts import LOST, OUTCOMES, Counts

_HELP = {
    "attempt_s": ("attempt_seconds", "Time of attempts that ended, whatever came of them."),
    "audio_s": ("audio_seconds", "Length of the recordings that were transcribed."),
    "batches": ("batches", "Batches committed."),
    "speech_s": ("speech_seconds", "Speech in those batches."),
    "padded_s": ("padded_seconds", "What they took padded: longest segment times segments."),
    "recognition_s": ("recognition_seconds", "Time in the network for them."),
    "out_of_memory": ("out_of_memory", "Batches that did not fit into memory and were halved."),
    "lost_attempts": ("lost_attempts", "Attempts, of any worker, that this one found lost."),
}


def families(counts: Counts) -> Iterator[Metric]:
    """The counts as Prometheus has them, every outcome among them."""
    attempts = CounterMetricFamily(
        "longscribe_worker_attempts", "Attempts that ended, by outcome.", labels=["outcome"]
    )
    for label in (*OUTCOMES.values(), LOST):
        attempts.add_metric([label], counts.attempts[label])
    yield attempts
    for name, (ending, text) in _HELP.items():
        yield CounterMetricFamily(
            f"longscribe_worker_{ending}", text, value=float(getattr(counts, name))
        )
