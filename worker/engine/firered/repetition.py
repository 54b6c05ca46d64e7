"""Loops, as decoders that write a token after the other fall into them, found and cut.

Of real speech few words are said five times in a row, and a laugh rarely has twelve syllables in a
text; a decoder that has lost its place writes the same until its cap stops it.
"""

from __future__ import annotations

from collections.abc import Sequence

TIMES = 5
"""Times in a row that a group of tokens must stand to be a loop."""
TOKENS = 12
"""Tokens that a loop must come to."""
KEPT = 2
"""Times that the group is kept."""
LONGEST_GROUP = 40


def without_loops(tokens: Sequence[int]) -> list[int]:
    """The places of the tokens that stay: all of them where nothing loops.

    >>> without_loops([7, 8] + [1, 2, 3] * 6 + [1, 2])
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    kept: list[int] = []
    place = 0
    while place < len(tokens):
        group, end = _loop_at(tokens, place)
        if end is None:
            kept.append(place)
            place += 1
            continue
        kept += range(place, place + KEPT * group)
        place = end
    return kept


def _loop_at(tokens: Sequence[int], place: int) -> tuple[int, int | None]:
    """The length of the group that loops from here, and where it ends; None where none does."""
    for group in range(1, min(LONGEST_GROUP, (len(tokens) - place) // TIMES) + 1):
        end = place + group
        while end < len(tokens) and tokens[end] == tokens[end - group]:
            end += 1
        times = (end - place) // group
        if times >= TIMES and times * group >= TOKENS:
            # A part of the group behind the last whole one is the loop's too where the text ends.
            return group, end if end == len(tokens) else place + times * group
    return 0, None
