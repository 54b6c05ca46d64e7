"""A recogniser without a model, for tests of everything around one.

It stands at the `Recogniser` protocol: spans and words follow from the loudness of the audio
alone, so the same audio gives the same words in any batch, and a test can make it slow or short of
memory.  It imports no torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shared.transcripts.values import Word
from worker.engine.voice_activity.endpoints import (
    DEFAULT_OPTIONS,
    FRAME_SAMPLES,
    Segmenter,
    VoiceActivityOptions,
)
from worker.memory.batch_memory_model import MIB, MemoryModel
from worker.pass_cost import PassCost
from worker.recogniser import (
    SAMPLE_RATE,
    BatchOutOfMemory,
    ModelIdentity,
    Pcm,
    RecognisedSpan,
    RecognitionRequest,
    SpeechSpan,
    require_supported,
)

LOUD = 200.0
"""Root mean square of int16 samples from which 10 ms count as speech (-44 dB)."""

WORD_SECONDS = 0.25
VOCABULARY = "一二三四五六七八九十"

STUB_MEMORY_MODEL = MemoryModel(
    fixed_bytes=1 * MIB, bytes_per_second=1 * MIB, resident_bytes=100 * MIB
)

STUB_IDENTITY = ModelIdentity(
    name="stub", revision="1", device="cpu", dtype="float32", is_demo=False
)


def _loudness(pcm: Pcm) -> np.ndarray:
    whole = len(pcm) // FRAME_SAMPLES
    frames = pcm[: whole * FRAME_SAMPLES].astype(np.float64).reshape(whole, FRAME_SAMPLES)
    return np.sqrt((frames**2).mean(axis=1)) if whole else np.zeros(0)


class StubVoiceActivity:
    def __init__(self, options: VoiceActivityOptions = DEFAULT_OPTIONS) -> None:
        self._segmenter = Segmenter(options)
        self._rest = np.zeros(0, dtype=np.int16)

    def feed(self, pcm: Pcm) -> list[SpeechSpan]:
        samples = np.concatenate([self._rest, pcm])
        whole = len(samples) - len(samples) % FRAME_SAMPLES
        self._rest = samples[whole:]
        return self._segmenter.feed(_loudness(samples[:whole]) >= LOUD, samples[:whole])

    def finish(self) -> list[SpeechSpan]:
        return self._segmenter.finish()


@dataclass
class StubMemory:
    """Set `headroom` to whatever the test needs to be free."""

    headroom: int = 8_000 * MIB
    peak: int = int(STUB_MEMORY_MODEL.resident_bytes)

    def headroom_bytes(self) -> int:
        return self.headroom

    def reset_peak(self) -> None:
        self.peak = int(STUB_MEMORY_MODEL.resident_bytes)

    def peak_bytes(self) -> int:
        return self.peak


@dataclass
class StubRecogniser:
    """Implements `worker.recogniser.Recogniser`.

    `delay_s` is slept in every forward pass.  A batch of more padded seconds than
    `out_of_memory_above_s` raises BatchOutOfMemory.  `batches` lists the padded seconds of every
    batch that was tried, refused ones included; `spans` the number of spans of those that ran.

    Where it `accepts_hotwords`, it says nothing else; where it `punctuates`, a full stop follows
    the last word of each span.
    """

    delay_s: float = 0.0
    out_of_memory_above_s: float | None = None
    options: VoiceActivityOptions = DEFAULT_OPTIONS
    memory: StubMemory = field(default_factory=StubMemory)
    memory_model: MemoryModel = STUB_MEMORY_MODEL
    pass_cost: PassCost = field(default_factory=lambda: PassCost(2.0))
    identity: ModelIdentity = STUB_IDENTITY
    languages: tuple[str, ...] = ("zh",)
    accepts_hotwords: bool = False
    punctuates: bool = False
    is_batch_invariant: bool = True
    batches: list[float] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)

    @property
    def longest_span_s(self) -> float:
        return self.options.max_segment_s

    def device_works(self) -> bool:
        return True

    def voice_activity(self) -> StubVoiceActivity:
        return StubVoiceActivity(self.options)

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        require_supported(self, request)
        longest_s = max((len(pcm) for pcm in speech), default=0) / SAMPLE_RATE
        padded_s = longest_s * len(speech)
        self.batches.append(padded_s)
        if self.out_of_memory_above_s is not None and padded_s > self.out_of_memory_above_s:
            raise BatchOutOfMemory(f"the stub has no room for {padded_s:.1f} s")
        self.spans.append(len(speech))
        time.sleep(self.delay_s)
        needed = int(self.memory_model.peak_bytes(padded_s, longest_s))
        self.memory.peak = max(self.memory.peak, needed)
        return [self._recognised(pcm, request) for pcm in speech]

    def _recognised(self, pcm: Pcm, request: RecognitionRequest) -> RecognisedSpan:
        words = _words(pcm, request.hotwords or tuple(VOCABULARY))
        if words and self.punctuates:
            words = (*words[:-1], replace(words[-1], word=words[-1].word + "。"))
        language = request.language or self.languages[0]
        return RecognisedSpan(words, language) if words else RecognisedSpan()

    def punctuate(self, words: Sequence[str]) -> list[str]:
        marks = ["。" if number % 12 == 0 else "" for number in range(1, len(words) + 1)]
        return [*marks[:-1], "。"] if marks else []


def _words(pcm: Pcm, vocabulary: Sequence[str]) -> tuple[Word, ...]:
    """A word for each quarter of a second in which something is heard."""
    step = int(WORD_SECONDS * SAMPLE_RATE)
    words = []
    for start in range(0, len(pcm) - step + 1, step):
        loudness = float(np.sqrt((pcm[start : start + step].astype(np.float64) ** 2).mean()))
        if loudness >= LOUD:
            word = vocabulary[int(loudness) % len(vocabulary)]
            seconds = start / SAMPLE_RATE
            words.append(Word(word, seconds, seconds + WORD_SECONDS))
    return tuple(words)
