"""The cost of beginning a new line, or a new cue, after a unit of text.

Chinese is not segmented into words here: punctuation, pauses and function words are enough to end
lines at phrases. The costs are weights relative to each other and to those in `cue_breaking` and
`line_breaking`; they were tuned by reading the resulting subtitles.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from shared.export.subtitles.unbreakable_units import Unit
from shared.export.subtitles.word_lists import (
    CLAUSE_STARTERS,
    COMMON_WORDS,
    ENGLISH_CLAUSE_STARTERS,
    ENGLISH_NOT_AT_LINE_END,
    NOT_AT_LINE_END,
    NOT_AT_LINE_START,
)
from shared.export.typography.punctuation import (
    CLOSING,
    COMMAS,
    ENUMERATION_COMMAS,
    FULL_STOPS,
    OPENING,
    SEMICOLONS,
)

SENTENCE = 0.0
SEMICOLON = 4.0
COMMA = 8.0
LIST_ITEM = 18.0
INSIDE = 50.0

_PAUSES = ((900, 6.0), (600, 12.0), (350, 22.0), (200, 34.0))
"""Pairs of a silence in milliseconds and the lower cost of a break inside a clause there."""


def break_costs(units: Sequence[Unit]) -> list[float]:
    """The cost of a break after each unit; that after the last one is a sentence's end."""
    costs = [_break_cost(before, after) for before, after in pairwise(units)]
    return [*costs, SENTENCE] if units else []


def _break_cost(before: Unit, after: Unit) -> float:
    if before.sentence != after.sentence:
        return SENTENCE
    mark = before.text.rstrip(CLOSING + "\"')]}")[-1:]
    if mark in FULL_STOPS and (after.space_before or not mark.isascii()):
        return SENTENCE
    if mark in SEMICOLONS:
        return SEMICOLON
    if mark in COMMAS:
        return COMMA
    if mark in ENUMERATION_COMMAS:
        return LIST_ITEM
    silence = after.start - before.end
    cost = next((cost for least, cost in _PAUSES if silence >= least), INSIDE)
    return max(SEMICOLON, cost + _phrase_cost(before.text, after.text))


def _phrase_cost(before: str, after: str) -> float:
    if after[0] in NOT_AT_LINE_START or before[-1] + after[0] in COMMON_WORDS:
        return 30.0
    if before[-1] in NOT_AT_LINE_END:
        return 12.0
    if before.lower() in ENGLISH_NOT_AT_LINE_END:
        return 20.0
    if after[0] in OPENING or before[-1] in CLOSING:
        return -10.0
    if after[0] in CLAUSE_STARTERS or after.lower() in ENGLISH_CLAUSE_STARTERS:
        return -12.0
    # An English word certainly ends here; between two Chinese characters a word may go on.
    return -4.0 if before[-1].isascii() or after[0].isascii() else 0.0
