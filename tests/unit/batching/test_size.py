"""The halving of batches for which the device has no room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.batching.size import halve
from worker.recogniser import SAMPLE_RATE


@given(st.lists(st.integers(1, 60 * SAMPLE_RATE), min_size=2, max_size=120))
def test_halving_keeps_every_segment_and_needs_less(lengths: list[int]) -> None:
    batch = sorted(lengths, reverse=True)
    first, second = halve(batch)
    assert [*first, *second] == batch
    larger_half = -(-len(batch) // 2)
    for half in (first, second):
        assert 0 < len(half) < len(batch)
        assert half[0] * len(half) <= batch[0] * larger_half


def test_halving_again_and_again_ends_with_single_segments() -> None:
    waiting = [range(13)]
    singles: list[int] = []
    while waiting:
        batch = waiting.pop()
        if len(batch) == 1:
            singles += batch
        else:
            waiting += halve(batch)
    assert sorted(singles) == list(range(13))


def test_a_single_segment_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="one segment"):
        halve([16_000])
