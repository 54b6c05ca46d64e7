"""The size that a worker chooses, and the halving of batches for which its device has no room."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs import RecognisedSegment
from shared.settings import Settings
from shared.states import BatchLimit
from tests.support.doubles.stub_recogniser import StubRecogniser
from worker.batching.out_of_memory import RISES_AFTER, BatchSizer, halve
from worker.pass_cost import LARGEST_BATCH_S, PassCost
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


@pytest.mark.parametrize(
    ("cost", "batch_size_s", "limited_by"),
    [
        (PassCost(2.0), 600, BatchLimit.LENGTH),
        (PassCost(30.0), 600, BatchLimit.DEVICE),
        (PassCost(60.0, 6.0), 1_200, BatchLimit.DEVICE),
        (PassCost(1_000.0, 60.0), LARGEST_BATCH_S, BatchLimit.DEVICE),
    ],
)
def test_from_half_an_hour_on_the_device_decides(
    cost: PassCost, batch_size_s: float, limited_by: BatchLimit
) -> None:
    sizer = BatchSizer(Settings(), StubRecogniser(pass_cost=cost))
    long = sizer.choose(30 * 60)
    assert (long.batch_size_s, long.limited_by) == (batch_size_s, limited_by)
    short = sizer.choose(30 * 60 - 1)
    assert (short.batch_size_s, short.limited_by) == (400, BatchLimit.LENGTH)


def test_an_operators_ceiling_for_long_recordings_holds_on_any_device() -> None:
    settings = Settings(batch_ceiling_long_s=900)
    chosen = BatchSizer(settings, StubRecogniser(pass_cost=PassCost(200.0))).choose(3_600)
    assert (chosen.batch_size_s, chosen.limited_by) == (900, BatchLimit.LENGTH)


def spans(count: int, seconds: float) -> list[RecognisedSegment]:
    """Segments of one length."""
    samples = round(seconds * SAMPLE_RATE)
    return [RecognisedSegment(n * samples, (n + 1) * samples, 0, None) for n in range(count)]


def test_a_learned_ceiling_rises_again_while_batches_near_it_fit() -> None:
    sizer = BatchSizer(Settings(), StubRecogniser())
    sizer.ran_out(spans(40, 10))
    assert sizer.ceiling_s == 200
    for _ in range(RISES_AFTER):
        sizer.fitted(spans(16, 10))
    assert sizer.ceiling_s == 250
    sizer.ran_out(spans(25, 10))
    assert sizer.ceiling_s == 125
    for _ in range(6 * RISES_AFTER):  # 125, 156, ..., 381, and then no more
        sizer.fitted(spans(38, 10))
    assert sizer.ceiling_s == math.inf


def test_small_batches_tell_nothing_of_a_ceiling() -> None:
    sizer = BatchSizer(Settings(), StubRecogniser())
    sizer.ran_out(spans(40, 10))
    for _ in range(3 * RISES_AFTER):
        sizer.fitted(spans(2, 10))
    assert sizer.ceiling_s == 200


def test_running_out_again_begins_the_count_anew() -> None:
    sizer = BatchSizer(Settings(), StubRecogniser())
    sizer.ran_out(spans(40, 10))
    for _ in range(RISES_AFTER - 1):
        sizer.fitted(spans(20, 10))
    sizer.ran_out(spans(20, 10))
    sizer.fitted(spans(10, 10))
    assert sizer.ceiling_s == 100
