"""Words and marks of SentencePiece's pieces, in the five languages."""

from __future__ import annotations

import pytest

from shared.transcripts.values import Word
from worker.engine.networks.heard_token import HeardToken
from worker.engine.networks.pieces_to_words import words_from_pieces
from worker.engine.sensevoice.ctc_alignment import heard_tokens


def said(written: str, probability: float = 1.0) -> tuple[Word, ...]:
    """Words of the pieces, which stand between bars, each 60 ms after the one before."""
    return words_from_pieces(
        (piece, HeardToken(0, 60 * i, 60 * i + 60, probability))
        for i, piece in enumerate(written.split("|"))
    )


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ("我|们|讨|论|。", ["我", "们", "讨", "论。"]),
        ("The|▁ga|te|way|▁failed|.", ["The", "gateway", "failed."]),
        ("▁the|▁|▁gateway", ["the", "gateway"]),
        ("don|'|t|▁worry", ["don't", "worry"]),
        ("8|5|,|0|0|0|▁requests", ["85,000", "requests"]),
        ("3|.|5|%|。", ["3.5%。"]),
        ("用|API|，|好", ["用", "API，", "好"]),
        ("好|,|API", ["好,", "API"]),
        ("10|:|30|▁by", ["10:30", "by"]),
        ("8|5|万|元", ["85", "万", "元"]),
        ("今|日|は|です|。", ["今", "日", "は", "です。"]),
        ("▁안|녕|하세요|.|▁여러분", ["안녕하세요.", "여러분"]),
        ("API|를|▁씁니다", ["API를", "씁니다"]),
        ("「|好|」|と", ["「好」", "と"]),
        ("▁(|a|)|▁b", ["(a)", "b"]),
        ("，|好|。|。", ["好。。"]),
        ("wi|-|fi", ["wi-fi"]),
        ("我|<0xE9>|<0xBE>|<0x98>|好", ["我", "龘", "好"]),
        ("▁caf|<0xC3>|<0xA9>|▁|<0xF0>|<0x9F>|<0x98>|<0x80>", ["café", "😀"]),
        ("好|<0xE9>|<0xBE>", ["好", "\ufffd"]),
        ("", []),
    ],
)
def test_pieces_make_words_with_their_marks(pieces: str, words: list[str]) -> None:
    assert [word.word for word in said(pieces)] == words


def test_a_word_lasts_from_its_first_piece_to_its_last_one_without_the_mark() -> None:
    first, second = said("▁ga|te|way|.|▁on", probability=0.9)
    assert (first.word, first.start, first.end) == ("gateway.", 0.0, 0.18)
    assert first.confidence == pytest.approx(0.73)
    assert (second.word, second.start, second.end) == ("on", 0.24, 0.3)


def test_a_frames_label_is_taken_to_be_half_a_frame_late_and_its_surest_frame_counts() -> None:
    tokens = heard_tokens([7, 7, 0, 7, 5, 0], [0.5, 0.9, 0.8, 0.4, 0.6, 0.7], blank=0)
    assert tokens == [
        HeardToken(7, 0, 90, 0.9),
        HeardToken(7, 150, 210, 0.4),
        HeardToken(5, 210, 270, 0.6),
    ]


def test_a_character_that_bytes_spell_lasts_from_the_first_to_the_last() -> None:
    (spelt,) = said("<0xE9>|<0xBE>|<0x98>", probability=0.9)
    assert (spelt.word, spelt.start, spelt.end, spelt.confidence) == ("龘", 0.0, 0.18, 0.73)
