"""What a list of replacements makes of a text: nothing but its matches, and those once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transcripts.realign import WORD, corrected
from shared.transcripts.values import Sentence, Word
from shared.words.replacements.matching import Replacements
from shared.words.replacements.pairs import Pair


def applied(text: str, *pairs: tuple[str, str]) -> str:
    return Replacements(Pair(*pair) for pair in pairs).apply(text)


@pytest.mark.parametrize(
    ("text", "pairs", "written"),
    [
        ("我们用阿皮艾吧。", [("阿皮艾", "API")], "我们用API吧。"),
        # the longest first, whatever the order of the list
        ("库伯内提斯集群", [("库伯", "Kube"), ("库伯内提斯", "Kubernetes")], "Kubernetes集群"),
        # from left to right: the first of two that overlap
        ("上海市长江", [("上海市", "沪市"), ("市长江", "市长姜")], "沪市长江"),
        # as whole words only
        ("APIs and API", [("API", "interface")], "APIs and interface"),
        ("it's it", [("it", "IT")], "it's IT"),
        ("gpt-4 gpt", [("gpt", "GPT")], "gpt-4 GPT"),
        ("APIs", [("APIs", "interfaces")], "interfaces"),
        # of any case and width, and written as it stands in the list
        ("用ａｐｉ和Api", [("api", "API")], "用API和API"),
        # never in its own output
        ("甲", [("甲", "乙"), ("乙", "丙")], "乙"),
        ("甲甲", [("甲", "甲甲")], "甲甲甲甲"),
        # a phrase of several words
        ("use kube net is now", [("kube net is", "Kubernetes")], "use Kubernetes now"),
        # a space between what would become one word, and none elsewhere
        ("阿皮艾gateway", [("阿皮艾", "API")], "API gateway"),
        ("阿皮艾阿皮艾", [("阿皮艾", "API")], "API API"),
        ("the阿皮艾，好", [("阿皮艾", "API")], "the API，好"),
        # equal sides keep the words from shorter pairs
        ("人工智能和人工", [("人工", "仁工"), ("人工智能", "人工智能")], "人工智能和仁工"),
        # the last of two with the same left side
        ("甲", [("甲", "乙"), ("甲", "丙")], "丙"),
        ("", [("甲", "乙")], ""),
        ("甲", [], "甲"),
    ],
)
def test_a_list_writes_what_is_meant(text: str, pairs: list[tuple[str, str]], written: str) -> None:
    assert applied(text, *pairs) == written


def test_a_text_that_is_not_composed_is_left_whole() -> None:
    assert applied("cafe\u0301 阿皮艾", ("阿皮艾", "API")) == "cafe\u0301 API"


HAN = "甲乙丙丁的"
TEXT = st.text(alphabet=HAN + "abAB1 ，。'-", max_size=24)
SIDE = st.text(alphabet=HAN + "ab1", min_size=1, max_size=4)
PAIRS = st.lists(st.builds(Pair, SIDE, SIDE), max_size=8)
NOWHERE = Pair("零", "〇")


@given(TEXT, PAIRS)
def test_without_a_match_nothing_changes(text: str, pairs: list[Pair]) -> None:
    absent = [pair for pair in pairs if pair.key not in text.lower()]
    assert Replacements([*absent, NOWHERE]).apply(text) == text


@given(TEXT, PAIRS, st.integers(1, 3))
def test_what_stands_outside_of_matches_stays(text: str, pairs: list[Pair], marks: int) -> None:
    """Each match is written as marks that nothing else holds: what is left is the text's own."""
    mark = "零" * marks
    written = Replacements(Pair(pair.wrong, mark) for pair in pairs).apply(text)
    at = 0
    for piece in written.split(mark):
        found = text.find(piece, at)
        assert found >= at, (text, written)
        at = found + len(piece)


@given(TEXT, PAIRS)
def test_equal_sides_change_nothing_but_case(text: str, pairs: list[Pair]) -> None:
    kept = Replacements(Pair(pair.wrong, pair.wrong) for pair in pairs).apply(text)
    assert kept.lower() == text.lower()


@given(TEXT, PAIRS)
def test_words_keep_their_order_in_time(text: str, pairs: list[Pair]) -> None:
    spelt = WORD.findall(text)
    words = tuple(Word(word, float(n), n + 0.8) for n, word in enumerate(spelt))
    sentence = Sentence(0.0, float(len(words)) + 1, text, words)
    written = Replacements(pairs).apply(text)
    timed = corrected(sentence, written).words
    assert [word.word for word in timed] == WORD.findall(written)
    assert all(word.start <= word.end for word in timed)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(timed))
    assert all(word.start >= 0.0 and word.end <= sentence.end for word in timed)


def test_a_text_without_sentences_costs_no_more_a_character() -> None:
    """Copied once, not once for each match: that took minutes of ten hours without marks."""
    length = 400_000
    written = Replacements([Pair("一", "API")]).apply("一二" * length)
    assert written == "API二" * length
