"""Loops are cut, and what people say again is not."""

from __future__ import annotations

import random

import pytest

from worker.engine.firered.repetition import KEPT, without_loops


def said(tokens: list[int]) -> list[int]:
    return [tokens[place] for place in without_loops(tokens)]


@pytest.mark.parametrize("group", [[1], [1, 2], [1, 2, 3], list(range(1, 12))])
@pytest.mark.parametrize("behind", [[], [90, 91]])
def test_a_group_that_loops_stays_twice(group: list[int], behind: list[int]) -> None:
    assert said([70, 71, *group * 20, *behind]) == [70, 71, *group * KEPT, *behind]


def test_a_loop_that_the_cap_ended_within_a_group_leaves_no_rest() -> None:
    assert said([5, *[1, 2, 3] * 9, 1, 2]) == [5, 1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize(
    "tokens",
    [[], [1], [1] * 11, [1, 2] * 5, [1, 2, 3] * 4, [4, 5, 6, 7] * 4, list(range(60))],
)
def test_what_people_say_again_stays(tokens: list[int]) -> None:
    assert said(tokens) == tokens


def test_what_stays_does_not_loop_and_loses_no_other_token() -> None:
    choose = random.Random(1)
    for _ in range(200):
        tokens: list[int] = []
        while len(tokens) < 80:
            tokens += choose.choices(range(4), k=choose.randint(1, 4)) * choose.choice([1, 1, 2, 9])
        kept = without_loops(tokens)
        assert kept == sorted(set(kept))
        assert set(said(tokens)) == set(tokens)
