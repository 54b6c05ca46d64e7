"""What is computed for padding, over recordings and batch sizes of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from worker.batching.batch_packing import plan_batches
from worker.batching.windows import PlanningWindows
from worker.pass_cost import LEAST_PADDING_LIMIT, PassCost
from worker.recogniser import SAMPLE_RATE, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SIZES_S = (5, 10, 20, 40, 60, 100, 200, 300, 400, 600, 1_200, 5_000)
PASSES = (*map(PassCost, (0.5, 2.0, 8.0, 30.0)), PassCost(60.0, 6.0), PassCost(500.0, 60.0))
"""Costs of another pass: from CPUs to the fastest GPUs."""

LENGTHS_S: dict[str, Callable[[random.Random], float]] = {
    "a meeting": lambda rng: 0.4 + rng.lognormvariate(1.3, 0.8),
    "a dialogue": lambda rng: 0.3 + rng.expovariate(1 / 1.5),
    "a lecture": lambda rng: rng.lognormvariate(2.8, 0.7),
    "anything from 0.3 to 60 s": lambda rng: rng.uniform(0.3, 60.0),
    "calls of a second, answers of a minute": lambda rng: (
        rng.choice([1.0, 55.0]) * rng.uniform(0.8, 1.1)
    ),
    "cut at the limit": lambda rng: 60.0 if rng.random() < 0.8 else rng.uniform(0.3, 60.0),
}
SEEDS = {3: 20, 15: 20, 60: 20, 300: 10, 900: 4, 3_600: 1}
"""Number of recordings by their seconds of speech."""


@pytest.mark.parametrize("cost", PASSES, ids=lambda cost: f"{cost.fixed_s:g}")
@pytest.mark.parametrize("kind", LENGTHS_S)
def test_padded_over_speech(kind: str, cost: PassCost) -> None:
    worst: dict[int, tuple[float, str]] = {}
    limit = cost.padding_limit
    for length_s in SEEDS:
        for seed in range(SEEDS[length_s]):
            spans = _recording(kind, length_s, seed)
            for size_s in SIZES_S:
                padding, allowed = _padding(spans, size_s, cost)
                found = f"{len(spans)} segments, batch_size_s {size_s}"
                worst[length_s] = max(worst.get(length_s, (0.0, "")), (padding, found))
                assert padding <= allowed, found
    print(f"\npadded over speech, {kind}, a pass costs {cost.fixed_s:g} padded s:")
    for length_s, (padding, found) in worst.items():
        print(f"  {length_s:>6} s of speech: at most {padding:.3f} ({found}); limit {limit:.2f}")
    if not cost.is_expensive:
        assert max(worst.values())[0] <= LEAST_PADDING_LIMIT


def _recording(kind: str, speech_s: float, seed: int) -> list[SpeechSpan]:
    """Spans of so many seconds in all, at least one."""
    rng = random.Random(f"{kind} {seed}")
    spans: list[SpeechSpan] = []
    start, left_s = 0, speech_s
    while left_s > 0:
        seconds = min(60.0, max(0.3, LENGTHS_S[kind](rng)))
        spans.append(SpeechSpan(start, start + round(seconds * SAMPLE_RATE)))
        start, left_s = spans[-1].end + SAMPLE_RATE, left_s - seconds
    return spans


def _padding(spans: list[SpeechSpan], size_s: float, cost: PassCost) -> tuple[float, float]:
    """Of the whole job, planned window by window as the pipeline does; and what is allowed, for a
    window may always be padded by what a dear pass costs."""
    windows = PlanningWindows(size_s, cost)
    plans = [
        plan_batches(window, size_s, pass_cost=cost)
        for window in [*windows.add(spans), windows.rest()]
    ]
    speech_s = sum(plan.speech_s for plan in plans)
    least_s = cost.fixed_s if cost.is_expensive else 0.0
    allowed_s = sum(max(cost.padding_limit * plan.speech_s, least_s) for plan in plans)
    return sum(plan.padded_s for plan in plans) / speech_s, allowed_s / speech_s
