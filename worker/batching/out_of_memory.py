"""The batch size of each job, and the batches that were too large for this worker's device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from shared.errors import OutOfMemory
from shared.settings import Settings
from worker.batching.choose_size import BatchSizeDecision, LengthCeiling, choose_batch_size_s
from worker.memory.batch_memory_model import Reserve
from worker.recogniser import SAMPLE_RATE, Recogniser

if TYPE_CHECKING:  # it needs SQLAlchemy, which measuring does without
    from shared.jobs import RecognisedSegment

RISES_AFTER = 20
"""Batches near the learned ceiling that must fit before it rises: whoever took the memory away, by
then it has been free for as many passes as an hour takes on a GPU."""

NEAR = 0.75
"""A batch of at least this share of the ceiling is near it."""

RISE = 1.25
"""Factor by which the ceiling rises at a time: three times make up for being halved, nearly."""

_Segment = TypeVar("_Segment", bound="RecognisedSegment")
_Member = TypeVar("_Member")


class BatchSizer:
    """Chooses with the memory that is free now, and remembers where it ran out."""

    def __init__(self, settings: Settings, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._fixed_s = None if settings.batch_size_s == "auto" else settings.batch_size_s
        self._ceilings = (
            LengthCeiling(below_s=5 * 60, batch_size_s=settings.batch_ceiling_short_s),
            LengthCeiling(below_s=30 * 60, batch_size_s=settings.batch_ceiling_medium_s),
        )
        self._long_s = settings.batch_ceiling_long_s
        self._reserve = Reserve(fraction=settings.memory_reserve_fraction)
        self._longest_span_s = recogniser.longest_span_s
        self._jobs_at_once = settings.worker_concurrency
        self._learned_s: float | None = None
        self._too_large_s = 0.0
        self._fitted_near = 0

    @property
    def ceiling_s(self) -> float:
        """The largest batch that this worker still tries, in padded seconds."""
        return math.inf if self._learned_s is None else self._learned_s

    def choose(self, audio_seconds: float) -> BatchSizeDecision:
        """The size for a recording of this length, by the memory that is free now."""
        return choose_batch_size_s(
            audio_seconds,
            self._recogniser.memory.headroom_bytes(),
            self._recogniser.memory_model,
            fixed_s=self._fixed_s,
            learned_ceiling_s=self._learned_s,
            ceilings=(*self._ceilings, self._long_ceiling()),
            reserve=self._reserve,
            longest_span_s=self._longest_span_s,
            jobs_at_once=self._jobs_at_once,
        )

    def _long_ceiling(self) -> LengthCeiling:
        """The ceiling for a recording that can fill batches of any size."""
        if self._long_s != "auto":
            return LengthCeiling(below_s=math.inf, batch_size_s=self._long_s)
        cost = self._recogniser.pass_cost
        return LengthCeiling(math.inf, cost.gaining_batch_s, is_the_devices=cost.is_expensive)

    def fit(self, batch: Sequence[_Segment]) -> list[list[_Segment]]:
        """The batch, or parts of it that are no larger than what this worker still tries.

        The parts are single segments where a recogniser's results depend on the other segments.
        """
        if not self._recogniser.is_batch_invariant:
            return [[segment] for segment in batch]
        if len(batch) < 2 or padded_s(batch) <= self.ceiling_s:
            return [list(batch)]
        by_length = sorted(batch, key=lambda segment: segment.start_sample - segment.end_sample)
        return [part for half in halve(by_length) for part in self.fit(half)]

    def ran_out(self, batch: Sequence[_Segment]) -> None:
        """Lower the ceiling to half of a batch that did not fit, for this job and the next.

        Raises OutOfMemory for a batch of one.
        """
        if len(batch) < 2:
            raise OutOfMemory
        self._too_large_s = max(self._too_large_s, padded_s(batch))
        self._learned_s = min(self.ceiling_s, padded_s(batch) / 2)
        self._fitted_near = 0

    def fitted(self, batch: Sequence[_Segment]) -> None:
        """Let the ceiling rise again, step by step, as batches near it fit; above what once did not
        fit there is none."""
        if padded_s(batch) < NEAR * self.ceiling_s:
            return
        self._fitted_near += 1
        if self._learned_s is None or self._fitted_near < RISES_AFTER:
            return
        self._fitted_near = 0
        self._learned_s *= RISE
        if self._learned_s > self._too_large_s:
            self._learned_s, self._too_large_s = None, 0.0


def halve(by_length: Sequence[_Member]) -> tuple[Sequence[_Member], Sequence[_Member]]:
    """Divide a batch, its segments ordered longest first, into two that need about half the memory
    each.

    Raises ValueError for a single segment: there is nothing left to divide.
    """
    if len(by_length) < 2:
        raise ValueError("a batch of one segment cannot be halved")
    middle = (len(by_length) + 1) // 2
    return by_length[:middle], by_length[middle:]


def padded_s(batch: Sequence[_Segment]) -> float:
    """Padded seconds of a forward pass: the longest segment times the number of segments."""
    longest = max(segment.end_sample - segment.start_sample for segment in batch)
    return longest * len(batch) / SAMPLE_RATE
