"""Which words stand in a text, and how often."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.words.hotwords import MOST_WORDS, count_found


def test_words_are_counted_the_most_frequent_first() -> None:
    texts = ["达摩院的网关，网关。", "阿里巴巴达摩院的网关"]
    assert count_found(["网关", "达摩院", "阿里", "集群"], texts) == [
        ("网关", 3),
        ("达摩院", 2),
        ("阿里", 1),
    ]


def test_case_and_what_stands_within_a_name_do_not_count() -> None:
    assert count_found(["Open AI"], ["我们用open ai，OPEN AI。"]) == [("Open AI", 2)]
    assert count_found(["GPU 集群"], ["用GPU集群"]) == [("GPU 集群", 1)]
    assert count_found(["张·三丰"], ["张三丰来了，张-三丰"]) == [("张·三丰", 2)]
    assert count_found(["Node.js", "3.5"], ["用node js和Node.js 3.5。"]) == [
        ("Node.js", 2),
        ("3.5", 1),
    ]


def test_no_word_goes_over_the_end_of_a_clause() -> None:
    assert count_found(["集群", "网关"], ["采集，群众。网", "关"]) == []


def test_a_word_in_letters_stands_by_itself() -> None:
    assert count_found(["api", "GPU"], ["rapid apis, API 和GPU卡 gpu2"]) == [
        ("GPU", 1),
        ("api", 1),
    ]


def test_findings_of_a_word_do_not_lie_over_each_other() -> None:
    assert count_found(["哈哈"], ["哈哈哈哈哈"]) == [("哈哈", 2)]
    assert count_found(["达摩", "达摩院", "摩院"], ["达摩院"]) == [
        ("摩院", 1),
        ("达摩", 1),
        ("达摩院", 1),
    ]


def test_nothing_is_found_in_nothing() -> None:
    assert count_found([], ["网关"]) == []
    assert count_found(["网关", "·"], []) == []
    assert count_found(["关"], ["", "关"]) == [("关", 1)]


@given(
    st.lists(st.text("甲乙丙", min_size=1, max_size=3), max_size=8, unique=True),
    st.text("甲乙丙", max_size=40),
)
def test_chinese_is_counted_as_python_counts(words: list[str], text: str) -> None:
    counted = dict(count_found(words, [text]))
    assert counted == {word: n for word in words if (n := text.count(word))}


def test_ten_hours_and_five_thousand_words_are_looked_through_once() -> None:
    """With a look at every word for every word of the text this would take minutes."""
    choose = random.Random(1)
    alphabet = [chr(0x4E00 + n) for n in range(600)]
    words = {"".join(choose.choices(alphabet, k=choose.randint(2, 4))) for _ in range(MOST_WORDS)}
    text = "".join(choose.choices(alphabet, k=150_000))
    found = dict(count_found(words, [text]))
    assert found == {word: n for word in words if (n := text.count(word))}


def test_words_that_begin_alike_are_looked_through_once() -> None:
    """With a look at each of them wherever they begin this would take minutes."""
    digits = str.maketrans("0123456789", "零一二三四五六七八九")
    words = [f"嗯嗯{n}".translate(digits) for n in range(MOST_WORDS)]
    assert count_found(words, ["嗯" * 100_000 + "嗯三一四"]) == [
        ("嗯嗯三", 1),
        ("嗯嗯三一", 1),
        ("嗯嗯三一四", 1),
    ]
