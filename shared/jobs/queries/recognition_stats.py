"""Figures of a job's recognition, the same as in a row of `longscribe bench`.

A job may have had several attempts: one that died, and one that went on with its batches.  Their
figures are added up here.  An attempt whose segments were dropped, since another model or other
options took over, is left out: nothing of it is in the transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from shared.models import Attempt
from shared.states import BatchLimit
from shared.transcripts.values import SAMPLE_RATE

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class RecognitionStats:
    """Figures of a job's recognition. None stands where an attempt of an older version did not
    count."""

    batch_size_s: float
    """Batch size of the latest attempt that chose one, as are what led to it, the device and the
    arithmetic."""
    limited_by: BatchLimit | None
    """Limit that set the batch size; None where only `stored_reason` is known."""
    stored_reason: str | None
    """The reason in English, of an attempt of an older version."""
    length_ceiling_s: float | None
    """Padded seconds that the recording's length or a setting allowed; memory had its own say."""
    sized_for_s: float | None
    """Seconds of audio that this ceiling belongs to; None where a setting took its place."""
    memory_cap_s: float | None
    headroom_bytes: int | None
    jobs_at_once: int | None
    """Number of jobs that divided the device; `headroom_bytes` is one job's part of what was
    free."""
    memory_is_measured: bool
    """True if `memory_cap_s` follows from measurements on the device."""
    learned_ceiling_s: float | None
    """Padded seconds of the largest batch still tried, once a larger one had run out of memory."""
    device: str | None
    dtype: str | None
    batches: int
    speech_s: float | None
    """Seconds of speech that are recognised and committed."""
    padded_s: float | None
    """Seconds that the network computed on, padding included where it computes on that."""
    largest_batch_s: float | None
    """The same of the largest batch that was committed."""
    recognition_s: float | None
    """Wall seconds in the network."""
    cpu_s: float | None
    """Processor seconds of the worker's child, to the last batch that was committed."""
    peak_bytes: int | None
    predicted_peak_bytes: int | None
    """Bytes that a full batch was expected to take."""
    oom_retries: int

    @property
    def padding(self) -> float | None:
        """Padded over spoken seconds: 1.0 is no waste."""
        return self.padded_s / self.speech_s if self.padded_s and self.speech_s else None


def recognition_stats(attempts: Sequence[Attempt]) -> RecognitionStats | None:
    """Add up a job's attempts, in their order; None until one has chosen a batch size."""
    counted = [attempt for attempt in attempts if not attempt.discarded]
    chose = [attempt for attempt in counted if attempt.batch_size_s is not None]
    if not chose:
        return None
    latest = chose[-1]
    assert latest.batch_size_s is not None
    return RecognitionStats(
        batch_size_s=latest.batch_size_s,
        limited_by=BatchLimit(latest.limited_by) if latest.limited_by else None,
        stored_reason=latest.batch_reason,
        length_ceiling_s=latest.length_ceiling_s,
        sized_for_s=latest.sized_for_s,
        memory_cap_s=latest.memory_cap_s,
        headroom_bytes=latest.headroom_bytes,
        jobs_at_once=latest.jobs_at_once,
        memory_is_measured=bool(latest.memory_is_measured),
        learned_ceiling_s=latest.learned_ceiling_s,
        device=latest.device,
        dtype=latest.dtype,
        batches=sum(attempt.batches for attempt in counted),
        speech_s=_seconds(_total([attempt.speech_samples for attempt in counted])),
        padded_s=_seconds(_total([attempt.padded_samples for attempt in counted])),
        largest_batch_s=_seconds(_most([attempt.largest_batch_samples for attempt in counted])),
        recognition_s=_total([attempt.recognition_s for attempt in counted]),
        cpu_s=_total([attempt.cpu_s for attempt in counted]),
        peak_bytes=_most([attempt.peak_bytes for attempt in chose]),
        predicted_peak_bytes=_most([attempt.predicted_peak_bytes for attempt in chose]),
        oom_retries=sum(attempt.oom_retries for attempt in counted),
    )


def _total(values: Sequence[_Number | None]) -> _Number | None:
    """The sum; None if a part of it is not known."""
    known = [value for value in values if value is not None]
    return sum(known, start=type(known[0])()) if known and len(known) == len(values) else None


def _most(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _seconds(samples: int | None) -> float | None:
    return None if samples is None else samples / SAMPLE_RATE
