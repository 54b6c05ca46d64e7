"""Hold what `decode` gives against the original: what is shifted, lost or invented."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.support.recordings.places import SLOW_RATE, Original, slowed
from tests.support.speech.media import RATE, Pcm

WINDOW_S = 1.0
STEP_S = 0.5
SHIFT_S = 0.15
"""Seconds by which a second of sound may be from where its player plays it."""

_NEAR_S = 2.5
_SEAM_S = 0.3
_LOUD = 0.1
"""Share of the level of the speech below which there is a pause."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound of the original from `first_s` to `last_s` is heard at shift_s + speed * its time."""

    first_s: float
    last_s: float
    shift_s: float = 0.0
    speed: float = 1.0

    def heard_s(self, at_s: float) -> float:
        """Time at which the player plays what the original has at `at_s`, in seconds."""
        return self.shift_s + self.speed * at_s


@dataclass(slots=True)
class Findings:
    """Places in seconds, each with a word on it; all empty if the sound is right.

    found: how many windows were found where they belong.  reaches_s: where the last of them ends
    in the original.
    """

    shifted: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    invented: list[float] = field(default_factory=list)
    found: int = 0
    reaches_s: float = 0.0


def check(
    decoded: Pcm,
    heard_s: Callable[[int], float],
    original: Original,
    truth: Sequence[Stretch],
    similarity: float,
) -> Findings:
    """Compare each second of `decoded` that is not quiet with the original.

    heard_s: when the player plays a sample.  truth: what should be heard, in order.
    """
    findings = Findings()
    sound = slowed(decoded)
    size = round(WINDOW_S * SLOW_RATE)
    tenths = np.sqrt((sound[: len(sound) // 400 * 400].reshape(-1, 400) ** 2).mean(axis=1))
    speech = float(np.percentile(tenths, 75)) if len(tenths) else 0.0
    seams = [stretch.heard_s(at) for stretch in truth for at in (stretch.first_s, stretch.last_s)]
    covered: list[float] = []
    for start in range(0, max(0, len(sound) - size) + 1, round(STEP_S * SLOW_RATE)):
        window = sound[start : start + size]
        level = float(np.sqrt((window**2).mean())) if len(window) else 0.0
        if level < _LOUD * speech:
            continue
        shown_s = heard_s(start * RATE // SLOW_RATE)
        place = original.find(window, _expected(truth, shown_s), _NEAR_S)
        if place.similarity < similarity:
            place = original.find(window)
        # A window over a seam has a little of each side, and is like one or like neither.
        mixed = any(-_SEAM_S < seam - shown_s < WINDOW_S + _SEAM_S for seam in seams)
        if place.similarity < similarity:
            if not mixed:
                findings.invented.append(round(shown_s, 2))
            continue
        errors = [shown_s - stretch.heard_s(place.at_s) for stretch in _holding(truth, place.at_s)]
        if not errors and not mixed:
            findings.invented.append(round(shown_s, 2))
            continue
        covered.append(place.at_s)
        if mixed:
            continue
        if min(map(abs, errors)) > SHIFT_S:
            error = min(errors, key=abs)
            findings.shifted.append(f"{place.at_s:.2f} s of it is heard {error:+.2f} s off")
        else:
            findings.found += 1
            findings.reaches_s = max(findings.reaches_s, place.at_s + WINDOW_S)
    findings.lost = _lost(sorted(covered), original, truth)
    return findings


def _expected(truth: Sequence[Stretch], shown_s: float) -> float:
    """Time in the original that is played at `shown_s`, in seconds."""
    for stretch in truth:
        at = (shown_s - stretch.shift_s) / stretch.speed
        if stretch.first_s <= at + WINDOW_S / 2 < stretch.last_s:
            return at
    return shown_s - truth[0].shift_s


def _holding(truth: Sequence[Stretch], at_s: float) -> list[Stretch]:
    return [
        stretch
        for stretch in truth
        if stretch.first_s - WINDOW_S <= at_s <= stretch.last_s + WINDOW_S / 10
    ]


def _lost(covered: list[float], original: Original, truth: Sequence[Stretch]) -> list[float]:
    """Times of speech in the original that no found window covers."""
    lost = []
    for stretch in truth:
        for at in np.arange(stretch.first_s, stretch.last_s - STEP_S / 2, STEP_S):
            if not original.is_speech(float(at), STEP_S):
                continue
            index = bisect_right(covered, float(at) + 0.25)
            if index == 0 or covered[index - 1] + WINDOW_S < at + 0.25:
                lost.append(round(float(at), 2))
    return lost
