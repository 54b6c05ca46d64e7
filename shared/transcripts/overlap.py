"""Times at which two people speak at once, where each was heard separately.

Tracks and channels that are speakers have words of their own, whose times tell.  In mixed sound one
of the two is all that is recognised, and nothing here is known of the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.transcripts.values import Sentence, Transcript, Word

_JOINED_S = 0.3
"""Most seconds between two words for which somebody goes on speaking."""

_SHORTEST_S = 0.1
"""Shortest overlap: less is within what the times of words are wrong by."""


class Overlap(NamedTuple):
    """Seconds in which others speak too."""

    of_sentences: list[float]
    """Overlap of each sentence."""
    total: float
    """The time in which two or more speak, each moment once."""


def times_at_once(
    spoken: Iterable[tuple[str | None, Sequence[Word]]],
) -> tuple[tuple[float, float], ...]:
    """The times in which at least two speak; `spoken` are who says it and words in order of time,
    any number of times the same person."""
    of_person: dict[str | None, list[Word]] = defaultdict(list)
    for person, words in spoken:
        of_person[person] += words
    changes: list[tuple[float, int]] = []
    for words in of_person.values():
        for start, end in _stretches(sorted(words, key=lambda word: word.start)):
            changes += [(start, 1), (end, -1)]
    changes.sort()  # who ends at the moment in which another begins ends first
    found: list[tuple[float, float]] = []
    speaking, began = 0, 0.0
    for moment, change in changes:
        if speaking < 2 <= speaking + change:
            began = moment
        elif speaking >= 2 > speaking + change and moment - began >= _SHORTEST_S:
            found.append((round(began, 3), round(moment, 3)))
        speaking += change
    return tuple(found)


def _stretches(words: Iterable[Word]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for word in words:
        if found and word.start - found[-1][1] <= _JOINED_S:
            found[-1] = found[-1][0], max(found[-1][1], word.end)
        else:
            found.append((word.start, word.end))
    return found


def overlap_of(transcript: Transcript, speakers: Sequence[Hashable]) -> Overlap | None:
    """Seconds of sentences during which another person speaks too; None where that is not known.

    `speakers` are those of the sentences as people left them: nobody speaks at once with himself. A
    sentence that was removed, or is nobody's (None), is not spoken.
    """
    if transcript.at_once is None:
        return None
    return _overlap(transcript.sentences, speakers, transcript.at_once)


def _overlap(
    sentences: Sequence[Sentence],
    speakers: Sequence[Hashable],
    at_once: Iterable[tuple[float, float]],
) -> Overlap:
    spoken = sorted(
        (one.start, one.end, n)
        for n, (one, who) in enumerate(zip(sentences, speakers, strict=True))
        if one.text and who is not None
    )
    starts = [start for start, _end, _n in spoken]
    longest = max((end - start for start, end, _n in spoken), default=0.0)
    of_sentences, total = [0.0] * len(sentences), 0.0
    for began, ended in at_once:
        near = spoken[bisect_left(starts, began - longest) : bisect_left(starts, ended)]
        edges = {began, ended, *(e for start, end, _ in near for e in (start, end))}
        moments = sorted(edge for edge in edges if began <= edge <= ended)
        for start, end in pairwise(moments):
            saying = [n for first, last, n in near if first <= start and end <= last]
            if len({speakers[n] for n in saying}) > 1:
                total += end - start
                for n in saying:
                    of_sentences[n] += end - start
    return Overlap([round(seconds, 3) for seconds in of_sentences], round(total, 3))
