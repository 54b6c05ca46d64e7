"""The grams of a text are enough for every piece of it that may be searched."""

from __future__ import annotations

import random

import pytest

from shared.search.grams import gram_of_owner, grams_needed, grams_of
from shared.search.matching import terms_of

ALPHABET = "预算会议显卡gpuapie1 2%é。，-\n"


def test_what_a_piece_needs_its_text_has() -> None:
    chance = random.Random(1)
    for _ in range(2_000):
        text = "".join(chance.choices(ALPHABET, k=chance.randint(1, 60)))
        has = grams_of([text])
        for piece in text.split():
            start = chance.randrange(len(piece))
            asked = piece[start : chance.randint(start + 1, len(piece))]
            assert asked in text and set(grams_needed([asked])) <= has


@pytest.mark.parametrize(
    ("text", "asked"),
    [("预算会议", "预会"), ("预\n算", "预算"), ("the bud and get", "budget"), ("a 1", "a1")],
)
def test_a_text_without_a_word_is_mostly_told_by_its_grams(text: str, asked: str) -> None:
    assert not set(grams_needed([asked])) <= grams_of([text])


def test_grams_of_different_texts_and_lengths_are_different_numbers() -> None:
    texts = ["a", "ab", "abc", "预", "预算", "a预", "\U0001f600", "\U0001f600a", "a\U0001f600"]
    numbers = {number for text in texts for number in grams_needed([text])}
    assert len(numbers) == len(texts)
    assert max(numbers) < gram_of_owner("local") < 2**44


def test_a_long_query_asks_for_a_few_grams_only() -> None:
    long = "".join(chr(0x4E00 + n) for n in range(200))
    assert len(grams_needed(terms_of(long))) == 24
    assert set(grams_needed(terms_of(long))) <= grams_of([long])
