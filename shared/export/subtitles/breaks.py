"""How bad it is to begin a new line, or a new subtitle, after a unit of text.

No dictionary cuts Chinese into words here; what a comma, a pause and the little words at the edge
of a phrase tell is enough for a line to end where a reader takes breath. The numbers are weights
against each other and against those in `cues` and `lines`, found by reading what came of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from shared.export.punctuation import CLOSING, COMMAS, FULL_STOPS, LISTING, OPENING, SEMICOLONS
from shared.export.subtitles.little_words import (
    BEGIN,
    ENGLISH_BEGIN,
    ENGLISH_LEAN_RIGHT,
    LEAN_LEFT,
    LEAN_RIGHT,
    WORDS,
)
from shared.export.subtitles.units import Unit

SENTENCE = 0.0
SEMICOLON = 4.0
COMMA = 8.0
LIST_ITEM = 18.0
INSIDE = 50.0

_PAUSES = ((900, 6.0), (600, 12.0), (350, 22.0), (200, 34.0))
"""Milliseconds of silence from which a break inside a clause costs so much only."""


def break_costs(units: Sequence[Unit]) -> list[float]:
    """The cost of a break after each unit; none after the last."""
    costs = [_between(before, after) for before, after in pairwise(units)]
    return [*costs, SENTENCE] if units else []


def _between(before: Unit, after: Unit) -> float:
    if before.sentence != after.sentence:
        return SENTENCE
    mark = before.text.rstrip(CLOSING + "\"')]}")[-1:]
    if mark in FULL_STOPS and (after.gap or not mark.isascii()):
        return SENTENCE
    if mark in SEMICOLONS:
        return SEMICOLON
    if mark in COMMAS:
        return COMMA
    if mark in LISTING:
        return LIST_ITEM
    silence = after.start - before.end
    cost = next((cost for least, cost in _PAUSES if silence >= least), INSIDE)
    return max(SEMICOLON, cost + _leaning(before.text, after.text))


def _leaning(before: str, after: str) -> float:
    if after[0] in LEAN_LEFT or before[-1] + after[0] in WORDS:
        return 30.0
    if before[-1] in LEAN_RIGHT:
        return 12.0
    if before.lower() in ENGLISH_LEAN_RIGHT:
        return 20.0
    if after[0] in OPENING or before[-1] in CLOSING:
        return -10.0
    if after[0] in BEGIN or after.lower() in ENGLISH_BEGIN:
        return -12.0
    # The end of an English word is one for sure; between two characters it is a guess.
    return -4.0 if before[-1].isascii() or after[0].isascii() else 0.0
