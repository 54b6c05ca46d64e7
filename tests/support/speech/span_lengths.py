"""Spans as voice activity gives them, without the sound."""

from __future__ import annotations

import random

from worker.recogniser import SAMPLE_RATE, SpeechSpan

LONGEST_S = 60.0


def spans_of_talk(speech_s: float, seed: int) -> list[SpeechSpan]:
    """Spans of a meeting with so many seconds of speech: log-normal lengths around 4 s."""
    rng = random.Random(seed)
    spans: list[SpeechSpan] = []
    start, left_s = 0, speech_s
    while left_s > 0:
        seconds = min(LONGEST_S, 0.4 + rng.lognormvariate(1.3, 0.8))
        spans.append(SpeechSpan(start, start + round(seconds * SAMPLE_RATE)))
        start, left_s = spans[-1].end + SAMPLE_RATE, left_s - seconds
    return spans
