"""Several ways to do the same, one after the other and over again, by their processor seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import numpy as np

from tests.support.speech import speech_models
from worker.engine.layers.int8 import processor_flags
from worker.recogniser import SAMPLE_RATE, Pcm


def in_turn(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of each, printed with the single ones; a round before these warms up."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + rounds):
        for name, run in ways.items():
            begun = time.process_time()
            run()
            taken[name].append(time.process_time() - begun)
    medians = {name: float(np.median(seconds[1:])) for name, seconds in taken.items()}
    for name, seconds in taken.items():
        print(f"{name:28} {medians[name]:6.2f} CPU s", *(f"{s:.2f}" for s in seconds[1:]))
    return medians


def describe(what: str) -> None:
    """Print it with the processor's instruction sets and the load."""
    sets = sorted(flag for flag in processor_flags() if flag.startswith(("avx", "amx")))
    print(f"\n{what}; {' '.join(sets)}; load {os.getloadavg()[1]:.0f}")


def spans_of_a_meeting(seconds: float) -> list[Pcm]:
    """The sample meeting cut anywhere into spans of 2 to 14 s, longest first."""
    random, pcm = np.random.default_rng(1), speech_models.meeting()
    spans, begin = [], 0
    while begin < seconds * SAMPLE_RATE:
        end = begin + int(random.uniform(2, 14) * SAMPLE_RATE)
        spans.append(np.resize(pcm, end)[begin:])
        begin = end
    return sorted(spans, key=len, reverse=True)
