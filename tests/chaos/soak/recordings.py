"""What is submitted: a few recordings of several lengths, again and again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from tests.support.speech.demo_speech import meeting
from tests.support.stack_without_http import as_wav
from worker.recogniser import SAMPLE_RATE

LENGTHS_S = (3, 8, 20, 60, 180)
WEIGHTS = (8, 8, 6, 3, 1)
"""Frequency of each length, in proportion: 18 s on average."""


@dataclass(frozen=True)
class SoakRecording:
    content: bytes
    seconds: float
    sha256: str


def recordings(model: str) -> list[SoakRecording]:
    """For the stub noise and pauses, whose loudness gives the words.  For a model speech,
    10 s longer, since a meeting begins without a word."""
    found = []
    for seconds in LENGTHS_S:
        content = as_wav(_noise(seconds) if model == "stub" else meeting(seconds + 10).samples)
        sha256 = hashlib.sha256(content).hexdigest()
        found.append(SoakRecording(content, seconds, sha256))
    return found


def _noise(seconds: float) -> np.ndarray:
    random = np.random.default_rng(int(seconds))
    samples = random.normal(0, 30, int(seconds * SAMPLE_RATE))
    at, length = SAMPLE_RATE // 2, 2 * SAMPLE_RATE
    while at + length < len(samples):
        samples[at : at + length] *= random.uniform(30, 200)
        at += length + int(1.2 * SAMPLE_RATE)
        length = int(random.uniform(1.0, 4.5) * SAMPLE_RATE)
    return samples.clip(-32_000, 32_000).astype(np.int16)
