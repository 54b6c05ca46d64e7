"""Times of words and voices in the recording's player, from their places in the spool."""

from __future__ import annotations

from collections.abc import Callable

from shared import jobs
from shared.transcripts.values import Word
from worker.recogniser import SAMPLE_RATE
from worker.voices.pieces import Pieces

HeardAt = Callable[[int], float]
"""Gives the second of the player at which a sample of the spool is heard."""


def as_decoded(sample: int) -> float:
    """The second of a sample where player and spool agree."""
    return sample / SAMPLE_RATE


def stored_word(word: Word, start_sample: int, heard_s: HeardAt) -> jobs.StoredWord:
    """A word of the span that begins at `start_sample`, with its times in the recording, rounded to
    the millisecond they are known to."""
    start = _heard(start_sample, word.start, heard_s)
    # A clock that steps back within a word must not turn it round.
    end = max(start, _heard(start_sample, word.end, heard_s))
    return word.word, round(start, 3), round(end, 3), word.confidence


def pieces_in_recording(pieces: Pieces, start_sample: int, heard_s: HeardAt) -> Pieces:
    """The pieces of the span that begins at `start_sample`, at the samples at which the recording's
    player has them."""
    moved = pieces.copy()
    for piece in moved:
        for edge in ("start", "end"):
            piece[edge] = round(heard_s(start_sample + int(piece[edge])) * SAMPLE_RATE)
        # As with words: a clock that steps back must not turn it round.
        piece["end"] = max(piece["end"], piece["start"] + 1)
    return moved


def _heard(start_sample: int, seconds: float, heard_s: HeardAt) -> float:
    sample = start_sample + round(seconds * SAMPLE_RATE)
    # Not from the sample itself: the rounding to whole samples would move words by 0.06 ms.
    return as_decoded(start_sample) + seconds + heard_s(sample) - as_decoded(sample)
