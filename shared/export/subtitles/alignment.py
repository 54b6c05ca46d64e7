"""Aligns a sentence's text with its timed words, to tell when each piece of it is spoken.

Recognised words have times; the text has punctuation and perhaps corrections. Letters that match
have the time of their word; those between share the remaining time evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from shared.transcripts.values import Sentence

_LONGEST_COMPARED = 1_500
"""Letters. Matching takes up to the square of it; no spoken sentence is longer, and the time of a
longer one that was pasted in is divided evenly."""

Span = tuple[float, float]
"""Start and end in seconds."""


def letters(text: str) -> str:
    """The letters, characters and digits of `text`, without case."""
    return "".join(filter(str.isalnum, text)).casefold()


def piece_times(sentence: Sentence, pieces: Sequence[str]) -> list[Span]:
    """Start and end in seconds of each of `pieces`; together they are the sentence's text."""
    spoken = [letters(piece) for piece in pieces]
    words = [(letters(word.word), word) for word in sentence.words]
    if len(words) == len(pieces) and all(
        mine == theirs for mine, (theirs, _) in zip(spoken, words, strict=True)
    ):
        return [(word.start, word.end) for word in sentence.words]
    heard = [
        span for text, word in words for span in _divide_evenly(word.start, word.end, len(text))
    ]
    wanted = "".join(spoken)
    found = _match_letters("".join(text for text, _ in words), wanted)
    times = _fill_gaps([None if at is None else heard[at] for at in found], sentence)
    return _times_of_pieces(spoken, times, sentence)


def _divide_evenly(start: float, end: float, parts: int) -> list[Span]:
    step = (end - start) / parts if parts else 0.0
    return [(start + step * part, start + step * (part + 1)) for part in range(parts)]


def _match_letters(heard: str, wanted: str) -> list[int | None]:
    """The index in `heard` of each letter of `wanted`; None for one without a match."""
    if heard == wanted:
        return list(range(len(wanted)))
    found: list[int | None] = [None] * len(wanted)
    if max(len(heard), len(wanted)) <= _LONGEST_COMPARED:
        matcher = SequenceMatcher(a=heard, b=wanted, autojunk=False)
        for a, b, size in matcher.get_matching_blocks():
            found[b : b + size] = range(a, a + size)
    return found


def _fill_gaps(times: list[Span | None], sentence: Sentence) -> list[Span]:
    """Divide the time between matched letters evenly among the unmatched ones there."""
    known = [-1, *(at for at, span in enumerate(times) if span is not None), len(times)]
    filled = list(times)
    for before, after in pairwise(known):
        start = times[before] if before >= 0 else None
        end = times[after] if after < len(times) else None
        filled[before + 1 : after] = _divide_evenly(
            start[1] if start else sentence.start,
            end[0] if end else sentence.end,
            after - before - 1,
        )
    return [span for span in filled if span is not None]


def _times_of_pieces(
    spoken: Sequence[str], times: Sequence[Span], sentence: Sentence
) -> list[Span]:
    result: list[Span] = []
    at = 0
    for text in spoken:
        if text:
            result.append((times[at][0], times[at + len(text) - 1][1]))
            at += len(text)
        else:  # marks alone: at the end of the piece before
            moment = result[-1][1] if result else sentence.start
            result.append((moment, moment))
    return result
