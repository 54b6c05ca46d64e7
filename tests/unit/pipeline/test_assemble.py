"""How words and marks become sentences."""

from __future__ import annotations

import pytest

from shared.transcripts.values import Word
from worker.pipeline.assemble import (
    NO_SPEECH,
    PUNCTUATION_FAILED,
    READABLE_PAUSE_S,
    SENTENCE_PAUSE_S,
    assemble,
)


def words(*texts: str, gap: float = 0.0) -> list[Word]:
    return [Word(text, n + n * gap, n + n * gap + 1) for n, text in enumerate(texts)]


def build(spoken: list[Word], marks: list[str] | None):  # type: ignore[no-untyped-def]
    return assemble(spoken, marks, duration=100, language="zh", model="demo")


def test_a_sentence_ends_at_a_full_stop_or_question_mark() -> None:
    transcript = build(words("好", "的", "吗", "行"), ["，", "。", "？", ""])
    assert [s.text for s in transcript.sentences] == ["好，的。", "吗？", "行"]
    assert [(s.start, s.end) for s in transcript.sentences] == [(0, 2), (2, 3), (3, 4)]


def test_a_long_silence_ends_a_sentence_without_a_mark() -> None:
    spoken = [Word("好", 0, 1), Word("的", 1 + SENTENCE_PAUSE_S, 5)]
    assert [s.text for s in build(spoken, ["", ""]).sentences] == ["好", "的"]


def test_a_text_without_punctuation_is_divided_at_pauses_and_says_so() -> None:
    spoken = [
        Word("好", 0, 1),
        Word("API", 1 + READABLE_PAUSE_S / 2, 2),
        Word("的", 2 + READABLE_PAUSE_S, 4),
    ]
    transcript = build(spoken, None)
    assert [s.text for s in transcript.sentences] == ["好API", "的"]
    assert transcript.warnings == (PUNCTUATION_FAILED,)
    assert [word for s in transcript.sentences for word in s.words] == spoken


@pytest.mark.parametrize(
    ("spoken", "marks", "text"),
    [
        # Korean is written with spaces and with the marks of English, Japanese with neither.
        (["오늘", "API를", "씁니다"], ["", "", "."], "오늘 API를 씁니다."),
        (["今日", "は", "です"], ["", "", "."], "今日はです。"),
        (["升", "级", "API", "周", "杰"], ["", "", ",", "", "。"], "升级API，周杰。"),
        (["部", "署", "docker"], ["", "", "."], "部署docker。"),
        (["ok", "next", "好"], [",", "", "。"], "ok, next好。"),
        (["thank", "you"], ["", "."], "thank you."),
    ],
)
def test_a_mark_after_an_english_term_suits_the_sentence(
    spoken: list[str], marks: list[str], text: str
) -> None:
    assert [s.text for s in build(words(*spoken), marks).sentences] == [text]


def test_every_word_is_in_exactly_one_sentence_with_its_times() -> None:
    spoken = words(*"一二三四五六七")
    transcript = build(spoken, ["", "。", "", "，", "", "？", ""])
    assert [w for s in transcript.sentences for w in s.words] == spoken


def test_nobody_speaking_is_a_warning_and_no_error() -> None:
    transcript = build([], [])
    assert transcript.sentences == ()
    assert transcript.warnings == (NO_SPEECH,)


def test_marks_that_do_not_match_the_words_are_refused() -> None:
    with pytest.raises(ValueError, match="2 words but 1 marks"):
        build(words("a", "b"), [""])
