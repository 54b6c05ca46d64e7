"""Choice of `batch_size_s`, the padded seconds of audio that one forward pass may hold.

The smallest of what the recording's length, the free memory and experience with this device allow.
`worker.batching.batch_packing` says what it counts, and packs spans within it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shared.states import BatchLimit
from worker.memory.batch_memory_model import MemoryModel, Reserve

MAX_SEGMENT_S = 60.0
"""Longest span that the segmenter hands on, see `worker.engine.voice_activity.endpoints`."""

SMALLEST_BATCH_S = 1.0
"""Least budget, which makes every span its own batch: it stays with no memory to spare too."""


@dataclass(frozen=True, slots=True)
class LengthCeiling:
    """Recordings shorter than `below_s` get at most `batch_size_s`."""

    below_s: float
    batch_size_s: float
    is_the_devices: bool = False
    """True if the device would gain little by more; False if the recording is too short for it."""


LENGTH_CEILINGS = (
    LengthCeiling(below_s=5 * 60, batch_size_s=300),
    LengthCeiling(below_s=30 * 60, batch_size_s=400),
    LengthCeiling(below_s=math.inf, batch_size_s=600),
)
"""A short recording cannot fill a large batch, it would only be padded more."""


@dataclass(frozen=True, slots=True)
class BatchSizeDecision:
    """The budget of one job, with everything that led to it. Seconds are padded seconds."""

    batch_size_s: float
    limited_by: BatchLimit
    length_ceiling_s: float
    """Padded seconds that the recording's length allows, or for a long one the device; or the
    operator's number."""
    sized_for_s: float | None
    """Seconds of audio that the ceiling belongs to; None where it is the operator's number."""
    memory_cap_s: float
    """Padded seconds that the free memory allows."""
    headroom_bytes: int
    """Free memory, for this job alone."""
    jobs_at_once: int
    """Number of jobs that share the device."""
    memory_is_measured: bool
    """True if the memory model was calibrated on this device."""
    learned_ceiling_s: float | None
    """The largest batch still tried since a larger one ran out of memory; None: none has."""
    predicted_peak_bytes: int
    """Bytes in use at the peak of a full batch, weights included."""


def choose_batch_size_s(
    audio_seconds: float,
    headroom_bytes: int,
    memory_model: MemoryModel,
    *,
    fixed_s: float | None = None,
    learned_ceiling_s: float | None = None,
    ceilings: Sequence[LengthCeiling] = LENGTH_CEILINGS,
    reserve: Reserve = Reserve(),  # noqa: B008 - frozen, so sharing it is safe
    longest_span_s: float = MAX_SEGMENT_S,
    jobs_at_once: int = 1,
) -> BatchSizeDecision:
    """The smallest of what the recording's length, the free memory and experience allow.

    `fixed_s` is the operator's own number (LONGSCRIBE_BATCH_SIZE_S); it takes the place of the
    length's ceiling and is capped by memory all the same.  `learned_ceiling_s` is a budget at
    which this device has run out of memory before and which was therefore lowered.
    `headroom_bytes` is for this job alone; `jobs_at_once` is how many divide the device, which
    is only recorded.
    """
    ceiling = _length_ceiling(audio_seconds, ceilings)
    length_ceiling_s = ceiling.batch_size_s if fixed_s is None else fixed_s
    usable = reserve.usable_bytes(headroom_bytes)
    memory_cap_s = memory_model.padded_seconds_within(usable, longest_span_s)
    limits = [length_ceiling_s, memory_cap_s]
    if learned_ceiling_s is not None:
        limits.append(learned_ceiling_s)
    # Whole seconds are as fine as the model is, and read better.
    batch_size_s = max(SMALLEST_BATCH_S, float(math.floor(min(limits))))
    if learned_ceiling_s is not None and learned_ceiling_s <= batch_size_s + 1:
        limited_by = BatchLimit.LEARNED
    elif memory_cap_s < length_ceiling_s:
        limited_by = BatchLimit.MEMORY
    elif fixed_s is not None:
        limited_by = BatchLimit.SETTING
    else:
        limited_by = BatchLimit.DEVICE if ceiling.is_the_devices else BatchLimit.LENGTH
    return BatchSizeDecision(
        batch_size_s=batch_size_s,
        limited_by=limited_by,
        length_ceiling_s=length_ceiling_s,
        sized_for_s=audio_seconds if fixed_s is None else None,
        memory_cap_s=memory_cap_s,
        headroom_bytes=headroom_bytes,
        jobs_at_once=jobs_at_once,
        memory_is_measured=memory_model.calibrated,
        learned_ceiling_s=learned_ceiling_s,
        predicted_peak_bytes=math.ceil(memory_model.peak_bytes(batch_size_s, longest_span_s)),
    )


def _length_ceiling(audio_seconds: float, ceilings: Sequence[LengthCeiling]) -> LengthCeiling:
    for ceiling in ceilings:
        if audio_seconds < ceiling.below_s:
            return ceiling
    return ceilings[-1]
