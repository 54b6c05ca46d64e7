"""How many forward passes an hour takes on a GPU, by the padding that is allowed for saving one."""

from __future__ import annotations

import math

import pytest

from tests.bench.gpu.prices import H100, H100_BF16, Gpu
from tests.support.speech.span_lengths import spans_of_talk
from worker.batching.batch_packing import Batch, plan_batches
from worker.batching.windows import PlanningWindows

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SPEECH_S = 3_600.0
SEEDS = range(3)
LIMITS = (1.10, 1.25, 1.5, 2.0, math.inf)
SIZES_S = (60.0, 600.0)
MOST_PASSES = 14.0


@pytest.mark.parametrize("gpu", [H100, H100_BF16], ids=lambda gpu: gpu.name)
def test_passes_of_an_hour_by_the_padding_allowed(gpu: Gpu) -> None:
    cost = gpu.pass_cost
    print(
        f"\n{gpu.name}, reckoned: a pass costs {cost.fixed_s:.0f} padded s and "
        f"{cost.per_longest_s:.1f} for each second of its longest span; an hour of speech:"
        "\n| batch_size_s | padding allowed | passes | padded s | sum of longest s | s |"
    )
    for size_s in (*SIZES_S, cost.gaining_batch_s):
        for limit in LIMITS:
            print(_row(f"{size_s:.0f}", f"{limit:.2f}", _batches(gpu, size_s, limit), gpu))
    chosen = _batches(gpu, cost.gaining_batch_s, None)
    name = f"{cost.gaining_batch_s:.0f}, chosen"
    print(_row(name, f"{cost.padding_limit:.2f}, chosen", chosen, gpu))
    assert sum(map(len, chosen)) / len(chosen) <= MOST_PASSES


def _batches(gpu: Gpu, size_s: float, limit: float | None) -> list[list[Batch]]:
    """Of each seed's hour, window by window as the pipeline plans."""
    hours = []
    for seed in SEEDS:
        windows = PlanningWindows(size_s, gpu.pass_cost)
        cut = [*windows.add(spans_of_talk(SPEECH_S, seed)), windows.rest()]
        plans = [
            plan_batches(window, size_s, pass_cost=gpu.pass_cost, max_padding=limit)
            for window in cut
        ]
        hours.append([batch for plan in plans for batch in plan.batches])
    return hours


def _row(size: str, limit: str, hours: list[list[Batch]], gpu: Gpu) -> str:
    batches = [batch for hour in hours for batch in hour]
    figures = (
        f"{len(batches) / len(hours):.1f}",
        f"{sum(batch.padded_s for batch in batches) / len(hours):.0f}",
        f"{sum(batch.longest_s for batch in batches) / len(hours):.0f}",
        f"{sum(map(gpu.pass_s, batches)) / len(hours):.2f}",
    )
    return f"| {size} | {limit} | {' | '.join(figures)} |"
