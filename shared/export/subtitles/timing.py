"""When each piece of a sentence's text is spoken.

The words of a sentence know when they were spoken, its text has the marks and perhaps a person's
corrections. Where the two agree the words' times hold; between, time is shared out by letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from shared.transcripts.values import Sentence

_LONGEST_COMPARED = 1_500
"""Letters. Comparing takes up to the square of it; nobody speaks a longer sentence, and one that
a person pasted in has its time shared out evenly."""

Span = tuple[float, float]
"""Begin and end in seconds."""


def letters(text: str) -> str:
    """What is spoken of `text`: letters, characters and digits, without case."""
    return "".join(filter(str.isalnum, text)).casefold()


def spans(sentence: Sentence, pieces: Sequence[str]) -> list[Span]:
    """For each of `pieces`, which are the sentence's text cut up, when it is spoken."""
    spoken = [letters(piece) for piece in pieces]
    words = [(letters(word.word), word) for word in sentence.words]
    if len(words) == len(pieces) and all(
        mine == theirs for mine, (theirs, _) in zip(spoken, words, strict=True)
    ):
        return [(word.start, word.end) for word in sentence.words]
    heard = [span for text, word in words for span in _shared_out(word.start, word.end, len(text))]
    wanted = "".join(spoken)
    found = _matched("".join(text for text, _ in words), wanted)
    times = _filled([None if at is None else heard[at] for at in found], sentence)
    return _by_piece(spoken, times, sentence)


def _shared_out(start: float, end: float, parts: int) -> list[Span]:
    step = (end - start) / parts if parts else 0.0
    return [(start + step * part, start + step * (part + 1)) for part in range(parts)]


def _matched(heard: str, wanted: str) -> list[int | None]:
    """For each letter of `wanted`, which one of `heard` it is."""
    if heard == wanted:
        return list(range(len(wanted)))
    found: list[int | None] = [None] * len(wanted)
    if max(len(heard), len(wanted)) <= _LONGEST_COMPARED:
        matcher = SequenceMatcher(a=heard, b=wanted, autojunk=False)
        for a, b, size in matcher.get_matching_blocks():
            found[b : b + size] = range(a, a + size)
    return found


def _filled(times: list[Span | None], sentence: Sentence) -> list[Span]:
    """Letters that nobody heard share the time between their neighbours."""
    known = [-1, *(at for at, span in enumerate(times) if span is not None), len(times)]
    filled = list(times)
    for before, after in pairwise(known):
        start = times[before] if before >= 0 else None
        end = times[after] if after < len(times) else None
        filled[before + 1 : after] = _shared_out(
            start[1] if start else sentence.start,
            end[0] if end else sentence.end,
            after - before - 1,
        )
    return [span for span in filled if span is not None]


def _by_piece(spoken: Sequence[str], times: Sequence[Span], sentence: Sentence) -> list[Span]:
    result: list[Span] = []
    at = 0
    for text in spoken:
        if text:
            result.append((times[at][0], times[at + len(text) - 1][1]))
            at += len(text)
        else:  # marks alone: at the moment before
            moment = result[-1][1] if result else sentence.start
            result.append((moment, moment))
    return result
