"""Speakers of words, from the speakers of pieces."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from shared.speakers.voice_map import VoicePiece
from shared.transcripts.values import SAMPLE_RATE


def speakers_of_words(
    words: Iterable[tuple[float, float]],
    pieces: Sequence[VoicePiece],
    numbers: Sequence[int | None],
) -> list[int | None]:
    """The speaker of each word: of the piece that its middle lies in, or else lies nearest to.

    `words` are starts and ends in seconds of the recording, in any order; `pieces` and `numbers`
    belong together, as `cut` gives them, and no piece lies within another. None where there are no
    pieces; of two pieces that are equally near, the earlier.
    """
    if len(numbers) != len(pieces):
        raise ValueError(f"{len(numbers)} numbers do not belong to {len(pieces)} pieces")
    if not pieces:
        return [None for _ in words]
    starts = [piece.start_sample for piece in pieces]
    return [
        numbers[_nearest(pieces, starts, (start + end) / 2 * SAMPLE_RATE)] for start, end in words
    ]


def _nearest(pieces: Sequence[VoicePiece], starts: Sequence[int], sample: float) -> int:
    after = bisect_right(starts, sample)
    near = range(max(0, after - 1), min(len(pieces), after + 1))
    return min(
        near,
        key=lambda n: max(pieces[n].start_sample - sample, sample - pieces[n].end_sample, 0.0),
    )
