"""Protocols of a speech model for the pipeline, without anything about how a model works.

The pipeline, the batch planner and the tests know only these protocols; `worker.engine` is the
one place that imports torch and FunASR.  Audio is 16 kHz mono int16 throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest
from shared.transcripts.values import SAMPLE_RATE as SAMPLE_RATE
from shared.transcripts.values import Word
from worker.memory.batch_memory_model import MemoryModel
from worker.pass_cost import PassCost

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
    """Identity of a loaded model: its weights, device and arithmetic.

    `revision` changes whenever the same audio could give another text; stored segments are
    reused only under the same one.
    """

    name: str
    revision: str
    device: str
    dtype: str
    is_demo: bool


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """Options of a job for recognition, beside its audio. Equal requests give equal texts."""

    hotwords: tuple[str, ...] = ()
    """Words that are likely to be said. Their order means nothing, so they are kept sorted, each
    once."""
    language: str | None = None
    """ISO 639 code of the one language spoken, one of the recogniser's; None: it decides."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hotwords", tuple(sorted(set(self.hotwords))))

    def stated(self) -> dict[str, Any]:
        """The fields that ask for something, by their names; {} for an empty request."""
        return {name: value for name, value in asdict(self).items() if value}


EMPTY_REQUEST = RecognitionRequest()


@dataclass(frozen=True, slots=True)
class RecognisedSpan:
    """Words recognised in one span."""

    words: tuple[Word, ...] = ()
    """Words in order, with confidences where the model has them. Times are seconds from the start
    of the span."""
    language: str | None = None
    """ISO 639 code of the language recognised; None where nothing is said."""
    was_cut: bool = False
    """True if the model went on repeating itself, or wrote more than can be said in the time, and
    that was cut off."""


class UnsupportedRequest(InvalidRequest):
    """The recogniser cannot do what the request asks; the message says what it cannot."""


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
        """The most bytes in use by this process since `reset_peak`, weights included."""
        ...


class Recogniser(Protocol):
    """A loaded speech model."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def memory(self) -> MemoryProbe: ...

    @property
    def memory_model(self) -> MemoryModel:
        """Model of the memory that a batch of this network needs, for
        `worker.batching.choose_size`."""
        ...

    @property
    def pass_cost(self) -> PassCost:
        """Cost of one more forward pass, for `worker.batching`."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that it recognises, the usual one first: of ISO 639-1, and of
        639-3 where that has none (yue, Cantonese)."""
        ...

    @property
    def accepts_hotwords(self) -> bool:
        """Return whether a request may name hotwords."""
        ...

    @property
    def punctuates(self) -> bool:
        """Return whether its words come with their punctuation marks ('好。'). The pipeline then
        leaves its own punctuation out."""
        ...

    @property
    def longest_span_s(self) -> float:
        """Seconds of the longest span that it takes; its own voice activity gives none longer."""
        ...

    @property
    def is_batch_invariant(self) -> bool:
        """Return whether words, times and confidences depend on a span's own audio alone. Where
        they also depend on the other spans of the batch, each span is recognised alone."""
        ...

    def device_works(self) -> bool:
        """Return whether the device still computes. After some errors it does not, until the
        process ends."""
        ...

    def voice_activity(self) -> VoiceActivityDetector: ...

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        """Run one forward pass. Exactly one result per span, in order.

        Raises BatchOutOfMemory when the device has no room for this batch, and UnsupportedRequest
        for a request that `require_supported` refuses.
        """
        ...

    def punctuate(self, words: Sequence[str]) -> list[str]:
        """The mark after each word ('' for none), for the words of a whole recording."""
        ...


def require_supported(recogniser: Recogniser, request: RecognitionRequest) -> None:
    """Raise UnsupportedRequest where the recogniser would have to ignore part of the request."""
    model = recogniser.identity.name
    if request.hotwords and not recogniser.accepts_hotwords:
        raise UnsupportedRequest(
            f"The model {model} takes no hotwords. Submit the recording without them, or ask the "
            "operator for a model that does."
        )
    if request.language is not None and request.language not in recogniser.languages:
        raise UnsupportedRequest(
            f"The model {model} does not recognise the language {request.language!r}, only "
            f"{', '.join(recogniser.languages)}. Ask the operator for a model that does."
        )
