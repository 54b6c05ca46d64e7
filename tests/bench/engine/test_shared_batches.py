"""What batches that two jobs share could save, if their windows always came at the same moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
import pytest
import torch

from tests.support.speech.demo_speech import meeting
from tests.support.speech.speech_models import recogniser
from worker.batching.batch_packing import Batch, plan_batches
from worker.batching.choose_size import choose_batch_size_s
from worker.batching.windows import PlanningWindows
from worker.engine.paraformer.usual_pass_cost import COST
from worker.memory.batch_memory_model import MemoryModel
from worker.pass_cost import PassCost
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

MINUTES = (1, 5, 30, 60)
SIZES_S = (6, 12, 30, 60, 120, 300, 600)
SPAN_S = 6.0
REPEATS = 3


def spans(samples: Pcm) -> list[SpeechSpan]:
    detector = recogniser().voice_activity()
    block = 5 * SAMPLE_RATE
    found = [
        span
        for start in range(0, len(samples), block)
        for span in detector.feed(samples[start : start + block])
    ]
    return found + detector.finish()


def cut(job: Sequence[SpeechSpan], batch_size_s: float, cost: PassCost) -> list[list[SpeechSpan]]:
    windows = PlanningWindows(batch_size_s, cost)
    return [*windows.add(job), windows.rest()]


def planned(
    windows: Sequence[Sequence[SpeechSpan]], batch_size_s: float, cost: PassCost
) -> list[Batch]:
    return [
        batch
        for window in windows
        for batch in plan_batches(window, batch_size_s, pass_cost=cost).batches
    ]


def test_two_meetings_of_one_length_apart_and_together() -> None:
    for minutes in MINUTES:
        jobs = [spans(meeting(minutes * 60, seed).samples) for seed in (41, 42)]
        size_s = choose_batch_size_s(minutes * 60, 10**12, MemoryModel(0, 1)).batch_size_s
        for cost in (COST.on(torch.device(kind)) for kind in ("cpu", "cuda")):
            first, second = (cut(job, size_s, cost) for job in jobs)
            both = [[*one, *other] for one, other in zip_longest(first, second, fillvalue=[])]
            apart = planned(first + second, size_s, cost)
            together = planned(both, size_s, cost)
            computed = [
                sum(cost.computed_samples(batch.samples) for batch in batches) / SAMPLE_RATE
                for batches in (apart, together)
            ]
            spent = [
                computed_s + sum(cost.beside(batch.longest_s) for batch in batches)
                for computed_s, batches in zip(computed, (apart, together), strict=True)
            ]
            print(
                f"\n2 meetings of {minutes} min, a pass costs {cost.fixed_s:.0f} padded s: "
                f"{len(apart)} passes -> {len(together)}, "
                f"{computed[0]:.0f} padded s -> {computed[1]:.0f}; "
                f"{1 - spent[1] / spent[0]:.1%} of recognition saved"
            )
            assert sum(map(len, together)) == sum(map(len, apart))
            assert len(together) <= len(apart)


def test_cost_of_a_padded_second_by_the_size_of_the_batch() -> None:
    samples = meeting(900).samples
    starts = np.random.default_rng(0)

    def batch(padded_s: float) -> list[Pcm]:
        lengths = np.linspace(1.0, 0.9, round(padded_s / SPAN_S)) * SPAN_S * SAMPLE_RATE
        return [
            samples[start : start + int(length)]
            for length in lengths
            for start in [int(starts.integers(0, len(samples) - int(length)))]
        ]

    recogniser().recognise(batch(30), EMPTY_REQUEST)
    least = dict.fromkeys(SIZES_S, float("inf"))
    for _ in range(REPEATS):  # in turn, so that a disturbance does not hit one size alone
        for size_s in SIZES_S:
            batches = [batch(size_s) for _ in range(max(1, 600 // size_s))]
            began = time.process_time()
            for speech in batches:
                recogniser().recognise(speech, EMPTY_REQUEST)
            spent = (time.process_time() - began) / len(batches)
            least[size_s] = min(least[size_s], spent)
    for size_s, spent in least.items():
        print(
            f"\n{size_s} padded s in a batch: {spent / size_s * 1e3:.2f} CPU ms a padded second, "
            f"{spent * 1e3:.0f} ms a pass"
        )
