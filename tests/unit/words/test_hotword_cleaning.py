"""From lists and texts that people give to words."""

from __future__ import annotations

import pytest

from shared.words.hotwords import (
    LONGEST_WORD,
    MOST_WORDS,
    HotwordTooLong,
    TooManyHotwords,
    UnreadableHotword,
    clean_words,
    read_words,
)


def test_a_text_has_one_word_a_line() -> None:
    text = "\ufeff达摩院\r\n\n  Kubernetes 集群 \n达摩院\n\t\n"
    assert read_words(text).words == ("Kubernetes 集群", "达摩院")
    assert read_words(text).weights == 0
    assert read_words(" \n").words == ()


def test_weights_of_a_list_of_funasr_are_taken_off_and_counted() -> None:
    read = read_words("阿里巴巴 20\n达摩院\t30\nOpen AI 5\n")
    assert read.words == ("Open AI", "达摩院", "阿里巴巴")
    assert read.weights == 3


def test_a_number_is_part_of_its_word_where_not_every_line_has_one() -> None:
    read = read_words("Windows 11\n达摩院\n")
    assert read.words == ("Windows 11", "达摩院")
    assert read.weights == 0


def test_a_number_of_a_word_that_is_kept_already_is_no_weight() -> None:
    text = "Windows 11\niPhone 15\n"
    assert read_words(text, kept=("Windows 11",)).words == ("Windows 11", "iPhone 15")
    assert read_words(text, kept=("网关",)).weights == 2


def test_words_are_brought_into_one_form_each_once_and_sorted() -> None:
    given = ["ＧＰＵ", "GPU", " 张  三\u3000", "a\u200bb", "x\x00y", "——", "", "é", "e\u0301"]
    assert clean_words(given) == ("GPU", "ab", "x y", "é", "张 三")


def test_too_long_a_word_is_refused_with_its_beginning() -> None:
    assert clean_words(["长" * LONGEST_WORD]) == ("长" * LONGEST_WORD,)
    with pytest.raises(HotwordTooLong, match="'长长长"):
        clean_words(["长" * (LONGEST_WORD + 1)])
    with pytest.raises(HotwordTooLong):
        clean_words(["\u200b" * 10_000_000])


def test_more_words_than_a_job_takes_are_refused() -> None:
    words = [f"词{number}" for number in range(MOST_WORDS)]
    assert len(clean_words(words * 2)) == MOST_WORDS
    with pytest.raises(TooManyHotwords):
        clean_words([*words, "再来"])


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(UnreadableHotword):
        clean_words(["\ud800"])


def test_a_text_far_longer_than_any_list_is_refused_unread() -> None:
    with pytest.raises(TooManyHotwords):
        read_words("a\n" * 2**21)
