"""The cheapest way through pieces that sound like several speakers."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shared.speakers.viterbi_turns import (
    CHANGE_AT_A_PAUSE,
    CHANGE_IN_SPEECH,
    PAUSE_SAMPLES,
    Heard,
    take_turns,
)

RATE = 16_000
A, B = (300, 900), (900, 300)
UNSURE = (420, 400)
"""A little more like the second."""


def heard(*differences: tuple[int, int], seconds: float = 1.0, gap_s: float = 0.0) -> list[Heard]:
    step = round((seconds + gap_s) * RATE)
    return [Heard(n * step, n * step + round(seconds * RATE), d) for n, d in enumerate(differences)]


def test_each_piece_goes_to_whom_it_is_like() -> None:
    assert take_turns(heard(A, A, B, B, A)) == [0, 0, 1, 1, 0]
    assert take_turns([]) == []


def test_an_unsure_piece_stays_with_those_around_it() -> None:
    assert take_turns(heard(A, UNSURE, A)) == [0, 0, 0]
    assert take_turns(heard(UNSURE)) == [1]


def test_across_a_pause_less_is_enough_for_a_change() -> None:
    unsure = (460, 400)
    assert take_turns(heard(A, unsure, A)) == [0, 0, 0]
    assert take_turns(heard(A, unsure, A, gap_s=0.3)) == [0, 1, 0]


def test_the_longer_a_piece_the_more_it_counts() -> None:
    assert take_turns(heard(A, UNSURE, A, seconds=8.0)) == [0, 0, 0]
    assert take_turns(heard(A, UNSURE, A, seconds=9.0)) == [0, 1, 0]


@given(
    st.lists(
        st.tuples(
            st.tuples(*[st.integers(0, 2_000)] * 3), st.integers(3_200, 40_000), st.booleans()
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_other_way_is_cheaper(drawn: list[tuple[tuple[int, ...], int, bool]]) -> None:
    pieces, at = [], 0
    for differences, length, pause in drawn:
        at += PAUSE_SAMPLES if pause else PAUSE_SAMPLES - 1
        pieces.append(Heard(at, at + length, differences))
        at += length

    def cost(way: tuple[int, ...]) -> int:
        whole = 0
        for n, (speaker, piece) in enumerate(zip(way, pieces, strict=True)):
            quarters = max(1, (piece.end_sample - piece.start_sample) // 4_000)
            whole += quarters * piece.differences[speaker]
            if n and speaker != way[n - 1]:
                whole += CHANGE_AT_A_PAUSE if drawn[n][2] else CHANGE_IN_SPEECH
        return whole

    found = tuple(take_turns(pieces))
    assert cost(found) == min(cost(way) for way in product(range(3), repeat=len(pieces)))
