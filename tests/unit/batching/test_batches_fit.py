"""Ten thousand recordings: no planned batch needs more memory than there is."""

from __future__ import annotations

import numpy as np
import pytest

from worker.batching.batch_packing import plan_batches
from worker.batching.choose_size import SMALLEST_BATCH_S, choose_batch_size_s
from worker.memory.batch_memory_model import MemoryModel, Reserve
from worker.pass_cost import PassCost
from worker.recogniser import SAMPLE_RATE, SpeechSpan

RECORDINGS = 10_000
MAX_SEGMENT_S = 60.0
PASS_COSTS = (PassCost(2.0), PassCost(60.0, 6.0), PassCost(500.0, 60.0))


def lengths_s(random: np.random.Generator) -> np.ndarray:
    """Spans as they may come: like talk, all alike, from all lengths, or a few long ones."""
    count = int(random.integers(1, 40))
    kind = random.integers(4)
    if kind == 0:
        lengths = random.lognormal(1.3, 0.9, count)
    elif kind == 1:
        lengths = np.full(count, random.uniform(0.3, MAX_SEGMENT_S))
    elif kind == 2:
        lengths = random.uniform(0.3, MAX_SEGMENT_S, count)
    else:
        lengths = np.where(random.random(count) < 0.1, MAX_SEGMENT_S, 2.9)
    return lengths.clip(0.3, MAX_SEGMENT_S)


def spans(lengths: np.ndarray) -> list[SpeechSpan]:
    samples = np.floor(lengths * SAMPLE_RATE).astype(int)
    ends = samples.cumsum()
    return [SpeechSpan(int(end - n), int(end)) for n, end in zip(samples, ends, strict=True)]


def memory_model(random: np.random.Generator) -> MemoryModel:
    """All three terms over orders of magnitude, the quadratic one absent half of the time."""
    return MemoryModel(
        fixed_bytes=10 ** random.uniform(4, 8),
        bytes_per_second=10 ** random.uniform(4, 7),
        bytes_per_second_squared=10 ** random.uniform(2, 6) if random.random() < 0.5 else 0.0,
        resident_bytes=1e9,
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_batch_of_several_spans_is_over_the_memory(seed: int) -> None:
    random = np.random.default_rng(seed)
    reserve = Reserve()
    memory_decided = 0
    for number in range(RECORDINGS // 4):
        model = memory_model(random)
        headroom = int(10 ** random.uniform(8, 11))
        lengths = lengths_s(random)
        decision = choose_batch_size_s(
            float(lengths.sum()), headroom, model, longest_span_s=MAX_SEGMENT_S
        )
        memory_decided += SMALLEST_BATCH_S < decision.memory_cap_s < decision.length_ceiling_s
        usable = reserve.usable_bytes(headroom)
        cost = PASS_COSTS[number % len(PASS_COSTS)]
        for batch in plan_batches(spans(lengths), decision.batch_size_s, pass_cost=cost).batches:
            # A second of audio is always tried: less would be no batch at all.
            if len(batch) > 1 and batch.padded_s > SMALLEST_BATCH_S:
                needed = model.activation_bytes(batch.padded_s, batch.longest_s)
                assert needed <= usable, (decision, batch)
                assert batch.padded_s <= decision.batch_size_s
    assert memory_decided > RECORDINGS // 4 / 10
