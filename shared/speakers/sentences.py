"""Speakers of sentences, from the speakers of pieces."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from shared.speakers.voice_map import VoicePiece
from shared.transcripts.values import SAMPLE_RATE, Sentence


def speakers_of_sentences(
    sentences: Sequence[Sentence], pieces: Sequence[VoicePiece], numbers: Sequence[int | None]
) -> list[int | None]:
    """Speaker of the largest part of each sentence, numbered from 1 in the order of their first
    sentences. A sentence without a piece gets the speaker of the nearest one; None where there are
    no pieces.

    `numbers` are those of `pieces`, which are in order of time.
    """
    if not pieces:
        return [None] * len(sentences)
    starts = [piece.start_sample for piece in pieces]
    longest = max(piece.end_sample - piece.start_sample for piece in pieces)
    again: dict[int, int] = {}
    found: list[int | None] = []
    for sentence in sentences:
        begin, end = round(sentence.start * SAMPLE_RATE), round(sentence.end * SAMPLE_RATE)
        near = range(bisect_left(starts, begin - longest), bisect_right(starts, end))
        spoken: Counter[int | None] = Counter()
        for index in near:
            piece = pieces[index]
            spoken[numbers[index]] += max(
                0, min(end, piece.end_sample) - max(begin, piece.start_sample)
            )
        number = max(spoken, key=spoken.__getitem__, default=None)
        if not spoken[number]:
            number = numbers[_nearest(pieces, starts, (begin + end) // 2)]
        found.append(None if number is None else again.setdefault(number, len(again) + 1))
    return found


def _nearest(pieces: Sequence[VoicePiece], starts: Sequence[int], sample: int) -> int:
    after = bisect_right(starts, sample)
    beside = [index for index in (after - 1, after) if 0 <= index < len(pieces)]
    return min(
        beside,
        key=lambda n: max(pieces[n].start_sample - sample, sample - pieces[n].end_sample),
    )
