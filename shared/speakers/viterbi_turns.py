"""Assignment of pieces to speakers in time: the cheapest path through a recording's pieces
(Viterbi).

Each piece costs how much it differs from the speaker whom it is given to, and each change of
speaker costs something too, so that a short piece that sounds a little like somebody else stays
with those around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.transcripts.values import SAMPLE_RATE

PAUSE_SAMPLES = SAMPLE_RATE * 15 // 100
"""Least pause between two pieces at which people may take turns; nearer ones are one stretch of
speech."""

CHANGE_IN_SPEECH = 350
CHANGE_AT_A_PAUSE = 50
"""Cost of a change of speaker, in thousandths of the cosine for a quarter of a second."""

_STEP_SAMPLES = SAMPLE_RATE // 4
"""About a word: the unit of time that a piece's difference is counted for."""


class Heard(NamedTuple):
    """A piece, and how much it differs from each speaker, in thousandths of the cosine."""

    start_sample: int
    end_sample: int
    differences: Sequence[int]


def take_turns(pieces: Sequence[Heard]) -> list[int]:
    """The speaker of each piece, as an index into its differences; pieces are in order of time.

    Of ways that cost the same, the one that changes later is taken, to the lowest index.
    """
    if not pieces:
        return []
    cost = _scaled(pieces[0])
    came_from: list[list[int]] = []
    for before, piece in pairwise(pieces):
        pause = piece.start_sample - before.end_sample >= PAUSE_SAMPLES
        cheapest = min(cost)
        changed = cheapest + (CHANGE_AT_A_PAUSE if pause else CHANGE_IN_SPEECH)
        origin = cost.index(cheapest)
        came_from.append([origin if so_far > changed else s for s, so_far in enumerate(cost)])
        cost = [
            (changed if so_far > changed else so_far) + own
            for so_far, own in zip(cost, _scaled(piece), strict=True)
        ]
    speaker = cost.index(min(cost))
    speakers = [speaker]
    for origins in reversed(came_from):
        speaker = origins[speaker]
        speakers.append(speaker)
    speakers.reverse()
    return speakers


def _scaled(piece: Heard) -> list[int]:
    steps = max(1, (piece.end_sample - piece.start_sample) // _STEP_SAMPLES)
    return [steps * difference for difference in piece.differences]
