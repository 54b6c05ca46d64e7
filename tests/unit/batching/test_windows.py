from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.speech.span_lengths import spans_of_talk
from worker.batching.batch_packing import plan_batches
from worker.batching.windows import (
    BATCHES_A_WINDOW,
    FIRST_WINDOW_S,
    LARGE_WINDOW_S,
    PlanningWindows,
)
from worker.engine.paraformer.usual_pass_cost import COST
from worker.pass_cost import PassCost
from worker.recogniser import SAMPLE_RATE, SpeechSpan

SPANS = st.lists(st.floats(0.1, 60), max_size=200).map(
    lambda lengths: [
        SpeechSpan(n * 100 * SAMPLE_RATE, n * 100 * SAMPLE_RATE + int(length * SAMPLE_RATE))
        for n, length in enumerate(lengths)
    ]
)


def cut(spans: list[SpeechSpan], sizes: list[int], batch_size_s: float) -> list[list[SpeechSpan]]:
    """The windows when the spans come in portions of `sizes`."""
    windows = PlanningWindows(batch_size_s, PassCost(2.0))
    found = []
    rest = list(spans)
    for size in [*sizes, len(spans)]:
        found += windows.add(rest[:size])
        rest = rest[size:]
    return [*found, windows.rest()]


@given(SPANS, st.lists(st.integers(0, 20), max_size=30), st.floats(1, 600))
def test_every_span_is_in_one_window_and_their_timing_changes_nothing(
    spans: list[SpeechSpan], sizes: list[int], batch_size_s: float
) -> None:
    windows = cut(spans, sizes, batch_size_s)
    assert [span for window in windows for span in window] == spans
    assert windows == cut(spans, [], batch_size_s)


def test_the_first_window_is_short_and_later_ones_hold_several_batches() -> None:
    spans = [SpeechSpan(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE) for n in range(20_000)]
    sizes = [sum(span.seconds for span in window) for window in cut(spans, [], 300)]
    assert sizes[0] == FIRST_WINDOW_S
    assert max(sizes) == BATCHES_A_WINDOW * 300
    assert sizes[:-1] == sorted(sizes[:-1])


def test_where_passes_are_dear_windows_grow_faster() -> None:
    spans = [SpeechSpan(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE) for n in range(20_000)]
    windows = PlanningWindows(60, PassCost(100)).add(spans)
    sizes = [sum(span.seconds for span in window) for window in windows]
    assert sizes[:2] == [FIRST_WINDOW_S, 480]
    assert set(sizes[2:]) == {LARGE_WINDOW_S}


def test_windows_hold_several_of_a_gpus_large_batches() -> None:
    spans = [SpeechSpan(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE) for n in range(40_000)]
    windows = PlanningWindows(3_000, PassCost(150)).add(spans)
    sizes = [sum(span.seconds for span in window) for window in windows]
    assert max(sizes) == BATCHES_A_WINDOW * 3_000


def test_a_recording_without_speech_has_one_empty_window() -> None:
    assert cut([], [], 300) == [[]]


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_takes_at_most_14_passes_where_a_pass_costs_as_on_an_h100(seed: int) -> None:
    """In float32, as `paraformer.usual_pass_cost` reckons it; 38 at a padding of 1.10."""
    cost = COST.gpu
    windows = PlanningWindows(cost.gaining_batch_s, cost)
    hour = spans_of_talk(3_600, seed)
    plans = [
        plan_batches(window, cost.gaining_batch_s, pass_cost=cost)
        for window in [*windows.add(hour), windows.rest()]
    ]
    assert sum(len(plan.batches) for plan in plans) <= 14
    assert sum(plan.padded_s for plan in plans) <= 1.35 * sum(plan.speech_s for plan in plans)
