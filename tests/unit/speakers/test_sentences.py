"""From the speakers of pieces to those of sentences."""

from __future__ import annotations

from shared.speakers.sentences import speakers_of_sentences
from shared.speakers.voice_map import VoicePiece
from shared.transcripts.values import SAMPLE_RATE, Sentence


def piece(start: float, end: float) -> VoicePiece:
    return VoicePiece(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE), 0)


def sentence(start: float, end: float) -> Sentence:
    return Sentence(start, end, "字。")


PIECES = [piece(0, 1), piece(1.2, 4), piece(4.1, 4.4), piece(10, 11)]


def test_a_sentence_is_of_whoever_speaks_most_of_it() -> None:
    # 0.9 s of the first piece against 0.9 of the second, of 1 against 2.8, of 0.1 against 0.3.
    sentences = [sentence(0.1, 1.9), sentence(0, 4.4), sentence(3.9, 4.4), sentence(10, 11)]
    assert speakers_of_sentences(sentences, PIECES, [7, 5, 6, 7]) == [1, 2, 3, 1]


def test_one_that_no_piece_lies_in_goes_by_the_nearest() -> None:
    sentences = [sentence(5, 6), sentence(8.5, 9.5), sentence(20, 21)]
    assert speakers_of_sentences(sentences, PIECES, [1, 2, 3, 4]) == [1, 2, 2]


def test_a_long_piece_that_began_long_before_counts() -> None:
    pieces = [piece(0, 30), piece(30, 30.5), piece(31, 31.5)]
    assert speakers_of_sentences([sentence(28, 30.2)], pieces, [4, 5, 5]) == [1]


def test_without_pieces_or_voices_it_is_nobody() -> None:
    assert speakers_of_sentences([sentence(0, 1)], [], []) == [None]
    assert speakers_of_sentences([sentence(0, 1)], PIECES, [None] * 4) == [None]
