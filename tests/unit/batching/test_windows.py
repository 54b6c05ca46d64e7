from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.batching.windows import (
    BATCHES_A_WINDOW,
    FIRST_WINDOW_S,
    LARGE_WINDOW_S,
    PlanningWindows,
)
from worker.recogniser import SAMPLE_RATE, SpeechSpan

SPANS = st.lists(st.floats(0.1, 60), max_size=200).map(
    lambda lengths: [
        SpeechSpan(n * 100 * SAMPLE_RATE, n * 100 * SAMPLE_RATE + int(length * SAMPLE_RATE))
        for n, length in enumerate(lengths)
    ]
)


def cut(spans: list[SpeechSpan], sizes: list[int], batch_size_s: float) -> list[list[SpeechSpan]]:
    """The windows when the spans come in portions of `sizes`."""
    windows = PlanningWindows(batch_size_s)
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
    windows = PlanningWindows(60, batch_overhead_s=100).add(spans)
    sizes = [sum(span.seconds for span in window) for window in windows]
    assert sizes[:3] == [FIRST_WINDOW_S, 240, 1_920]
    assert set(sizes[3:]) == {LARGE_WINDOW_S}


def test_a_recording_without_speech_has_one_empty_window() -> None:
    assert cut([], [], 300) == [[]]
