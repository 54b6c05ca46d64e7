"""The speakers of words."""

from __future__ import annotations

import pytest

from shared.speakers.voice_map import VoicePiece
from shared.speakers.words import speakers_of_words

RATE = 16_000
PIECES = [
    VoicePiece(1 * RATE, 2 * RATE, 0),
    VoicePiece(3 * RATE, 5 * RATE, 1),
    VoicePiece(5 * RATE, 6 * RATE, 0),
]
NUMBERS = [1, 2, 3]


@pytest.mark.parametrize(
    ("word", "speaker"),
    [
        ((1.2, 1.4), 1),
        ((0.0, 0.2), 1),
        ((2.1, 2.3), 1),
        ((2.5, 2.5), 1),
        ((2.6, 2.8), 2),
        ((2.2, 3.2), 2),
        ((4.8, 5.1), 2),
        ((4.9, 5.2), 3),
        ((60.0, 61.0), 3),
    ],
)
def test_a_word_belongs_where_its_middle_is_or_is_nearest_to(
    word: tuple[float, float], speaker: int
) -> None:
    assert speakers_of_words([word], PIECES, NUMBERS) == [speaker]


def test_words_may_come_in_any_order() -> None:
    words = [(5.5, 5.6), (1.5, 1.6), (3.5, 3.6)]
    assert speakers_of_words(words, PIECES, NUMBERS) == [3, 1, 2]
    assert speakers_of_words([], PIECES, NUMBERS) == []


def test_nobody_is_known_without_pieces_or_where_nobody_was_told_apart() -> None:
    assert speakers_of_words([(0.0, 1.0)], [], []) == [None]
    assert speakers_of_words([(1.2, 1.4)], PIECES, [None, None, None]) == [None]


def test_numbers_of_other_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="2 numbers do not belong to 3 pieces"):
        speakers_of_words([(1.0, 2.0)], PIECES, [1, 2])
