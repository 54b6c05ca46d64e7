"""Doubtful words: those that the recogniser was less sure of than a threshold says
(LONGSCRIBE_LOW_CONFIDENCE)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.transcripts.values import Word

LOW_CONFIDENCE_SHARE = 0.12
"""Share of doubtful words from which on the whole transcript is doubtful. Measured: see
docs/confidence.md."""


def is_doubtful(word: Word, below: float) -> bool:
    """Return whether a word's confidence is known and lower than `below`."""
    return word.confidence is not None and word.confidence < below


def low_confidence_share(words: Sequence[Word], below: float) -> float | None:
    """The share of words that are doubtful, to four decimals, among those whose confidence is
    known; None where that of none is."""
    known = sum(word.confidence is not None for word in words)
    return round(sum(is_doubtful(word, below) for word in words) / known, 4) if known else None
