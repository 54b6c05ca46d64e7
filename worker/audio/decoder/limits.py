"""Limits on the sound, memory and time of one recording's decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass

from worker.recogniser import SAMPLE_RATE

_MIN_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Limits on decoding one recording; one that exceeds them is refused.

    max_audio_s: seconds of DECODED sound; headers lie, and 7 MB of FLAC can hold ten hours.
    memory_bytes: address space of the child.  Importing PyAV takes 120 MB of it and decoding an
        hour of MP3, AAC or Opus 140 MB in all (measured, PyAV 18.1), so the default leaves
        room for large tables of contents (ten hours of MP4 have 20 MB of them).
    stall_s: longest wait for the next sample.
    wall_s, wall_s_per_audio_s: time spent waiting for the child, all told, may reach
        wall_s + wall_s_per_audio_s * (seconds decoded so far).  Time that the reader takes for
        itself is not counted.  An hour of MP3, AAC or Opus takes 7-10 s of one core, so half
        of real time allows for a machine two hundred times slower or busier.
    cpu_s, cpu_s_per_audio_s: processor time of the child may reach
        cpu_s + cpu_s_per_audio_s * max_audio_s; the kernel enforces it.
    sandbox_required: whether nothing is decoded where the kernel has no filter on system calls.
    """

    max_audio_s: float = 12 * 3600.0
    memory_bytes: int = 1 << 30
    stall_s: float = 60.0
    wall_s: float = 120.0
    wall_s_per_audio_s: float = 0.5
    cpu_s: float = 60.0
    cpu_s_per_audio_s: float = 0.05
    sandbox_required: bool = False

    def __post_init__(self) -> None:
        if self.memory_bytes < _MIN_MEMORY_BYTES:
            raise ValueError("memory_bytes below 256 MiB leaves no room for the decoder itself")
        if min(self.max_audio_s, self.stall_s, self.wall_s, self.cpu_s) <= 0:
            raise ValueError("a limit of zero or less refuses every recording")

    @property
    def max_samples(self) -> int:
        return int(self.max_audio_s * SAMPLE_RATE)

    @property
    def cpu_budget_s(self) -> int:
        """Whole processor seconds for the longest recording allowed."""
        return math.ceil(self.cpu_s + self.cpu_s_per_audio_s * self.max_audio_s)

    def wall_budget_s(self, samples: int) -> float:
        """Seconds that the child may have been waited for by the time it gave `samples`."""
        return self.wall_s + self.wall_s_per_audio_s * samples / SAMPLE_RATE
