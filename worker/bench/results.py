"""Measured values, and the figures computed from them. Seconds and bytes throughout."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from shared.errors import PermanentError
from worker.batching.choose_size import BatchSizeDecision
from worker.recogniser import ModelIdentity


class CannotMeasure(PermanentError):
    """Measurement without anything to measure, or with a missing tool."""

    code = "cannot_measure"
    default_message = "There is nothing to measure, or nothing to measure with."


@dataclass(frozen=True, slots=True)
class Cost:
    """Time on the clock, and processor time of all threads."""

    wall_s: float
    cpu_s: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)

    def times_real_time(self, audio_s: float) -> float:
        """Seconds of audio a second on the clock."""
        return audio_s / self.wall_s if self.wall_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    name: str
    seconds: float
    segments: int
    speech_s: float


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Machine on which a measurement was made. Two tables can be compared if these are equal."""

    processor: str
    cores: int
    threads: int
    """Threads of torch, on a CPU."""
    instructions: str
    """Instructions of the processor for matrix products, and those that torch uses."""
    python: str
    torch: str
    funasr: str


@dataclass(frozen=True, slots=True)
class SizeResult:
    """Result of one batch size. Only recognition depends on it."""

    asked: str
    """Batch size asked for: a number of seconds, 'auto', or 'alone' for a segment at a time."""
    decision: BatchSizeDecision
    recognition: Cost
    peak_bytes: int
    """Largest memory in use during recognition, the loaded model included."""
    batches: int
    padding: float
    """Padded over spoken seconds; 1.0 is no waste."""
    largest_batch_s: float
    """Seconds that the largest batch computed on, padding included where it did."""
    oom_retries: int
    segments_differing: int
    """Segments whose words are not those that they have alone."""
    times_equal: bool
    """True if every word also has the times that it has alone."""


@dataclass(frozen=True, slots=True)
class StockResult:
    """Result of one run of AutoModel.generate(): voice activity, recognition and punctuation."""

    batch_size_s: float | None
    """Batch size in padded seconds; None on a CPU, where FunASR recognises one segment at a time
    whatever it is told."""
    whole: Cost
    peak_bytes: int
    same_words: bool
    """True if it recognises what our engine recognises in each segment alone, marks left out."""
    failure: str = ""
    """Error that ended the run before it had a text: 'out of memory', or FunASR's last line."""


@dataclass(frozen=True, slots=True)
class Measurement:
    recording: RecordingFacts
    machine: MachineFacts
    model: ModelIdentity
    decode: Cost
    voice_activity: Cost
    punctuation: Cost
    sizes: tuple[SizeResult, ...]
    stock: tuple[StockResult, ...] = ()
    repeat: int = 1
    """Number of runs of each size; the least times count."""

    def whole(self, size: SizeResult) -> Cost:
        """Cost from samples to punctuated words: what generate() does. Decoding comes before
        both."""
        return self.voice_activity + size.recognition + self.punctuation

    def to_json(self) -> dict[str, Any]:
        audio_s = self.recording.seconds
        return {
            "recording": asdict(self.recording),
            "machine": asdict(self.machine),
            "model": asdict(self.model),
            "repeat": self.repeat,
            "stages": {
                "decode": asdict(self.decode),
                "voice_activity": asdict(self.voice_activity),
                "punctuation": asdict(self.punctuation),
            },
            "sizes": [
                asdict(size)
                | {
                    "whole": asdict(self.whole(size)),
                    "x_real_time": self.whole(size).times_real_time(audio_s),
                    "same_text": size.segments_differing == 0,
                }
                for size in self.sizes
            ],
            "stock": [
                asdict(run) | {"x_real_time": run.whole.times_real_time(audio_s)}
                for run in self.stock
            ],
        }
