"""The counts of a worker as Prometheus has them. Children count without loading its library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from shared.jobs import Gpu
from worker.monitoring.counts import LOST, OUTCOMES, Counts

_HELP = {
    "attempt_s": ("attempt_seconds", "Time of attempts that ended, whatever came of them."),
    "audio_s": ("audio_seconds", "Length of the recordings that were transcribed."),
    "batches": ("batches", "Batches committed."),
    "speech_s": ("speech_seconds", "Speech in those batches."),
    "padded_s": ("padded_seconds", "What was computed on for them, padding included."),
    "recognition_s": ("recognition_seconds", "Time in the network for them."),
    "out_of_memory": ("out_of_memory", "Batches that did not fit into memory and were halved."),
    "lost_attempts": ("lost_attempts", "Attempts, of any worker, that this one found lost."),
}

_OF_A_GPU = {
    "memory_used_bytes": ("memory_used_bytes", "Memory of the GPU in use, by all programs."),
    "memory_total_bytes": ("memory_total_bytes", "Memory of the GPU."),
    "use": ("use_ratio", "Share of the last moment in which the GPU computed."),
    "temperature_c": ("temperature_celsius", "Temperature of the GPU."),
    "power_w": ("power_watts", "Power that the GPU draws."),
}


def gpu_families(gpus: Sequence[Gpu]) -> Iterator[Metric]:
    """Metrics of the driver for each GPU; without a sample for values that it does not give."""
    for name, (ending, text) in _OF_A_GPU.items():
        family = GaugeMetricFamily(f"longscribe_worker_gpu_{ending}", text, labels=["gpu", "uuid"])
        for gpu in gpus:
            value = getattr(gpu, name)
            if value is not None:
                family.add_metric([str(gpu.index), gpu.uuid], float(value))
        if family.samples:
            yield family


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
