"""What the pipeline asks of a speech model, and nothing of how a model does it.

The pipeline, the batch planner and the tests know only these protocols; `worker.engine` is the
one place that imports torch and FunASR.  Audio is 16 kHz mono int16 throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.transcripts.values import SAMPLE_RATE as SAMPLE_RATE
from shared.transcripts.values import Word
from worker.memory.model import MemoryModel

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True, order=True)
class SpeechSpan:
    """Samples [start, end) of a recording in which somebody speaks."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which weights recognise, where, in which arithmetic.

    `revision` changes whenever the same audio could give another text; stored segments are
    reused only under the same one.
    """

    name: str
    revision: str
    device: str
    dtype: str
    is_demo: bool


class BatchOutOfMemory(Exception):
    """The device refused one batch. The batch may be halved and tried again."""


class VoiceActivityDetector(Protocol):
    """Finds speech in one recording, fed from its start to its end. One per recording."""

    def feed(self, pcm: Pcm) -> list[SpeechSpan]:
        """Take the next samples, give the spans that are certain by now, in order."""
        ...

    def finish(self) -> list[SpeechSpan]:
        """The recording is over: give the spans still open."""
        ...


class MemoryProbe(Protocol):
    """The memory of the device that recognises: VRAM, or RAM when that is the CPU."""

    def headroom_bytes(self) -> int:
        """Bytes that may be allocated now: what the driver has free plus what our allocator
        holds unused, before any reserve."""
        ...

    def reset_peak(self) -> None: ...

    def peak_bytes(self) -> int:
        """Most bytes in use by this process since `reset_peak`, weights included."""
        ...


class Recogniser(Protocol):
    """A loaded speech model. Results depend on the audio alone, never on batch neighbours."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def memory(self) -> MemoryProbe: ...

    @property
    def memory_model(self) -> MemoryModel:
        """What a batch of this network needs, for `worker.batching.plan.choose_batch_size_s`."""
        ...

    @property
    def batch_overhead_s(self) -> float:
        """What one more forward pass costs, in padded seconds, for `plan_batches`."""
        ...

    def voice_activity(self) -> VoiceActivityDetector: ...

    def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
        """One forward pass. Exactly one result per span, in order; no words where nothing is
        said. Word times are seconds from the start of their own span.

        Raises BatchOutOfMemory when the device has no room for this batch.
        """
        ...

    def punctuate(self, words: Sequence[str]) -> list[str]:
        """The mark after each word ('' for none), for the words of a whole recording."""
        ...
