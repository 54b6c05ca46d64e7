"""Voices as a speaker encoder would give them, and recordings in which they take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
WIDTH = 192
THRESHOLD = 51
"""A cosine of 0.6 between two voices' mean."""


@dataclass(frozen=True)
class Recording:
    """Pieces in the order of time: int8 vectors [n, 192], samples, and who really speaks."""

    vectors: NDArray[np.int8]
    starts: list[int]
    ends: list[int]
    speakers: list[int]

    def part(self, chosen: NDArray[np.intp]) -> Recording:
        return Recording(
            self.vectors[chosen],
            [self.starts[n] for n in chosen],
            [self.ends[n] for n in chosen],
            [self.speakers[n] for n in chosen],
        )


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def record(
    speakers: int,
    seconds: float,
    *,
    seed: int = 1,
    noise: float = 0.9,
    alike: float = 0.0,
    outliers: float = 0.01,
    piece_s: float = 1.1,
    turn_pieces: float = 6.0,
    shares: Sequence[float] = (),
) -> Recording:
    """Simulate a recording in which this many voices take turns for about this many seconds of
    speech.

    The noise of a piece falls with its length: at 0.9, two pieces of 1.5 s of one voice have a
    cosine of about 0.65, and two of 0.5 s of 0.4. `alike` is the cosine between the first two
    voices; the others are as good as orthogonal. `outliers` of the pieces are nobody's.
    `shares` are of the turns; without them the first voice speaks most, the last a quarter of it.
    """
    chance = np.random.default_rng(seed)
    voices = unit(chance.standard_normal((speakers, WIDTH)))
    if alike:
        across = unit(voices[1] - voices[1] @ voices[0] * voices[0])
        voices[1] = alike * voices[0] + np.sqrt(1 - alike**2) * across
    share = np.array(shares) if shares else np.linspace(1.6, 0.4, speakers)
    lengths: list[float] = []
    who: list[int] = []
    speaker = 0
    while sum(lengths) < seconds:
        speaker = int(chance.choice(speakers, p=share / share.sum()))
        for _ in range(1 + chance.poisson(turn_pieces - 1)):
            lengths.append(float(np.clip(chance.lognormal(np.log(piece_s), 0.6), 0.2, 12.0)))
            who.append(speaker)
    count = len(lengths)
    spread = noise * np.sqrt(1.0 / np.maximum(0.3, lengths))
    drawn = unit(chance.standard_normal((count, WIDTH))) * spread[:, None]
    vectors = voices[who] + drawn
    nobody = chance.random(count) < outliers
    vectors[nobody] = chance.standard_normal((int(nobody.sum()), WIDTH))
    starts, at = [], 0.0
    for n, length in enumerate(lengths):
        changes = n > 0 and who[n] != who[n - 1]
        at += float(chance.uniform(0.3, 0.9) if changes else chance.uniform(0.15, 0.4))
        starts.append(round(at * RATE))
        at += length
    ends = [start + round(length * RATE) for start, length in zip(starts, lengths, strict=True)]
    return Recording(np.rint(127 * unit(vectors)).astype(np.int8), starts, ends, who)


def right(recording: Recording, numbers: Sequence[int | None]) -> float:
    """Share of the time that has the right speaker, see `share_right`."""
    lengths = np.subtract(recording.ends, recording.starts).tolist()
    return share_right(recording.speakers, numbers, lengths)


def share_right(
    speakers: Sequence[int], numbers: Sequence[int | None], weights: Sequence[int]
) -> float:
    """Share of the weights whose number is the speaker's. Each number stands for the speaker with
    whom it shares most, and no two for one; the largest shares are given first."""
    shared: dict[tuple[int, int], int] = {}
    for who, number, weight in zip(speakers, numbers, weights, strict=True):
        if number is not None:
            shared[who, number] = shared.get((who, number), 0) + weight
    good, taken_who, taken_number = 0, set(), set()
    for (who, number), weight in sorted(shared.items(), key=lambda item: -item[1]):
        if who not in taken_who and number not in taken_number:
            taken_who.add(who)
            taken_number.add(number)
            good += weight
    return good / sum(weights)
