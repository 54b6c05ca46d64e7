"""The batch planner: plain numbers in, plain numbers out."""

from __future__ import annotations

import functools
import math
import random
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.states import BatchLimit
from worker.batching.batch_packing import plan_batches
from worker.batching.choose_size import BatchSizeDecision, LengthCeiling, choose_batch_size_s
from worker.memory.batch_memory_model import MIB, MemoryModel, Reserve
from worker.pass_cost import (
    LEAST_PADDING_LIMIT,
    MOST_PADDING_LIMIT,
    MOST_UNPADDED_S,
    PassCost,
)
from worker.recogniser import SAMPLE_RATE, SpeechSpan

ON_A_CPU, ON_A_GPU = PassCost(2.0), PassCost(60.0, per_longest_s=6.0)
planned = functools.partial(plan_batches, pass_cost=ON_A_CPU)

MODEL = MemoryModel(fixed_bytes=10e6, bytes_per_second=1e6, resident_bytes=500e6)
PLENTY = 80_000 * MIB
NO_RESERVE = Reserve(fraction=0.0, floor_bytes=0)


def spans_of(lengths: list[int]) -> list[SpeechSpan]:
    """Spans of so many samples, one after the other."""
    spans, start = [], 0
    for length in lengths:
        spans.append(SpeechSpan(start, start + length))
        start += length + 1_600
    return spans


def meeting(count: int, seed: int) -> list[SpeechSpan]:
    """Lengths as voice activity gives them: log-normal around 4 s, never over 60 s."""
    rng = random.Random(seed)
    seconds = [min(60.0, 0.4 + rng.lognormvariate(1.3, 0.8)) for _ in range(count)]
    return spans_of([round(s * SAMPLE_RATE) for s in seconds])


lengths = st.lists(st.integers(1, 60 * SAMPLE_RATE), max_size=120)
any_lengths = st.lists(st.integers(1, 4_000 * SAMPLE_RATE), max_size=60)
budgets = st.floats(0.001, 2_000, allow_nan=False)


# --- plan_batches ------------------------------------------------------------------------------


@given(any_lengths, budgets)
def test_no_batch_exceeds_the_budget_unless_it_is_one_span(
    samples: list[int], batch_size_s: float
) -> None:
    for batch in planned(spans_of(samples), batch_size_s).batches:
        assert len(batch) == 1 or batch.padded_s <= batch_size_s


@given(any_lengths, budgets)
def test_every_span_is_in_exactly_one_batch_with_its_own_length(
    samples: list[int], batch_size_s: float
) -> None:
    plan = planned(spans_of(samples), batch_size_s)
    placed = [pair for b in plan.batches for pair in zip(b.indices, b.samples, strict=True)]
    assert sorted(placed) == list(enumerate(samples))


@given(lengths, budgets)
def test_the_same_spans_give_the_same_plan(samples: list[int], batch_size_s: float) -> None:
    assert planned(spans_of(samples), batch_size_s) == planned(spans_of(samples), batch_size_s)


@given(lengths, budgets, st.randoms())
def test_the_order_of_spans_does_not_change_the_shapes_of_batches(
    samples: list[int], batch_size_s: float, rng: random.Random
) -> None:
    shuffled = samples.copy()
    rng.shuffle(shuffled)
    shapes = [batch.samples for batch in planned(spans_of(samples), batch_size_s).batches]
    again = [batch.samples for batch in planned(spans_of(shuffled), batch_size_s).batches]
    assert shapes == again


@given(lengths, budgets)
def test_longest_spans_come_first(samples: list[int], batch_size_s: float) -> None:
    plan = planned(spans_of(samples), batch_size_s)
    in_order = [length for batch in plan.batches for length in batch.samples]
    assert in_order == sorted(samples, reverse=True)
    assert all(a.longest_s >= b.longest_s for a, b in pairwise(plan.batches))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 1_500),
    st.integers(0, 10_000),
    st.sampled_from([60.0, 300.0, 400.0, 600.0, 2_400.0]),
    st.sampled_from([0.5, 2.0, 8.0, 32.0, 600.0]),
    st.sampled_from([0.0, 7.0, 60.0]),
)
def test_padding_stays_within_what_a_pass_is_worth(
    count: int, seed: int, batch_size_s: float, fixed_s: float, per_longest_s: float
) -> None:
    cost = PassCost(fixed_s, per_longest_s)
    plan = plan_batches(meeting(count, seed), batch_size_s, pass_cost=cost)
    if not cost.is_expensive:
        assert plan.padding <= LEAST_PADDING_LIMIT
    assert plan.padded_s <= max(cost.padding_limit * plan.speech_s, fixed_s)


@given(any_lengths, budgets, st.floats(0, 15), st.floats(0, 1e3))
def test_padding_is_at_most_ten_percent_where_a_pass_is_cheap_for_spans_of_any_length(
    samples: list[int], batch_size_s: float, fixed_s: float, per_longest_s: float
) -> None:
    cost = PassCost(fixed_s, per_longest_s)
    plan = plan_batches(spans_of(samples), batch_size_s, pass_cost=cost)
    assert plan.padding <= LEAST_PADDING_LIMIT


def test_the_limit_follows_what_a_pass_costs() -> None:
    limits = [PassCost(fixed_s).padding_limit for fixed_s in (0, 2, 15, 17, 32, 60, 500)]
    assert limits == sorted(limits)
    assert limits[:3] == [LEAST_PADDING_LIMIT] * 3
    assert limits[-1] == MOST_PADDING_LIMIT


def test_a_short_recording_goes_in_one_pass_where_passes_are_dear() -> None:
    """Half a minute in one batch is padded to a minute, in the time of launching one."""
    spans = spans_of([SAMPLE_RATE * seconds for seconds in (1, 2, 2, 3, 4, 6, 10)])
    assert len(plan_batches(spans, 300, pass_cost=PassCost(100)).batches) == 1
    assert len(planned(spans, 300).batches) > 3


def test_a_step_for_each_second_of_the_longest_span_keeps_long_spans_together() -> None:
    """Two batches for the long ones save nothing where each goes through its longest span."""
    spans = spans_of([SAMPLE_RATE * seconds for seconds in [40] * 4 + [30] * 4 + [3] * 40])
    apart, together = (
        plan_batches(spans, 600, pass_cost=PassCost(20, per_longest_s)).batches
        for per_longest_s in (0, 60)
    )
    assert [len(batch) for batch in apart] == [4, 4, 40]
    assert [len(batch) for batch in together] == [8, 40]


@pytest.mark.parametrize("batch_size_s", [60.0, 300.0, 600.0])
def test_where_passes_are_dear_there_are_fewer_of_them(batch_size_s: float) -> None:
    spans = meeting(600, seed=1)
    cheap, dear = (
        len(plan_batches(spans, batch_size_s, pass_cost=cost).batches)
        for cost in (ON_A_CPU, ON_A_GPU)
    )
    assert dear <= (61 if batch_size_s == 60 else 14) < cheap


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30 * SAMPLE_RATE), min_size=1, max_size=9), st.floats(1, 60))
def test_no_other_division_into_batches_costs_less(samples: list[int], batch_size_s: float) -> None:
    cost = PassCost(4.0, per_longest_s=3.0)

    def cheapest(rest: list[int]) -> float:
        """By trying every place for the first cut."""
        if not rest:
            return 0.0
        options = []
        for size in range(1, len(rest) + 1):
            padded_s = rest[0] * size / SAMPLE_RATE
            if size == 1 or rest[0] * size <= int(batch_size_s * SAMPLE_RATE):
                beside_s = cost.beside(rest[0] / SAMPLE_RATE)
                options.append(padded_s + beside_s + cheapest(rest[size:]))
        return min(options)

    plan = plan_batches(spans_of(samples), batch_size_s, pass_cost=cost, max_padding=math.inf)
    spent = sum(batch.padded_s + cost.beside(batch.longest_s) for batch in plan.batches)
    assert spent == pytest.approx(cheapest(sorted(samples, reverse=True)), rel=1e-4)


@given(any_lengths, budgets)
def test_a_pass_without_padding_holds_spans_of_any_lengths_within_its_limits(
    samples: list[int], batch_size_s: float
) -> None:
    cost = PassCost(2.0, per_longest_s=0.2, pads=False)
    plan = plan_batches(spans_of(samples), batch_size_s, pass_cost=cost)
    assert plan.padding == 1.0
    assert plan.padded_s == plan.speech_s
    for batch in plan.batches:
        spoken_s = plan.computed_s(batch)
        assert len(batch) == 1 or (batch.padded_s <= batch_size_s and spoken_s <= MOST_UNPADDED_S)


def test_where_nothing_is_padded_there_are_as_few_passes_as_the_limits_allow() -> None:
    spans = spans_of([SAMPLE_RATE * seconds for seconds in (1, 2, 2, 3, 4, 6, 10)])
    unpadded = PassCost(2.0, per_longest_s=0.2, pads=False)
    assert len(plan_batches(spans, 300, pass_cost=unpadded).batches) == 1
    assert len(plan_batches(spans, 60, pass_cost=unpadded).batches) == 2
    meetings = plan_batches(meeting(600, seed=1), 600, pass_cost=unpadded)
    assert meetings.speech_s / MOST_UNPADDED_S < len(meetings.batches) < 60
    assert len(planned(meeting(600, seed=1), 600).batches) > len(meetings.batches)


def test_one_long_span_does_not_drag_short_ones_into_its_padding() -> None:
    """The case that takes 6,077 padded seconds under batch_size_s=300 in FunASR."""
    spans = spans_of([int(2.9 * SAMPLE_RATE)] * 102 + [59 * SAMPLE_RATE])
    plan = planned(spans, 300)
    assert max(batch.padded_s for batch in plan.batches) <= 300
    assert plan.padded_s < 1.05 * plan.speech_s


def test_ten_hours_are_planned_within_two_seconds_of_cpu() -> None:
    spans = meeting(9_000, seed=1)
    started = time.process_time()
    planned(spans, 600)
    assert time.process_time() - started < 2.0


def test_a_recording_without_speech_has_an_empty_plan() -> None:
    plan = planned([], 300)
    assert plan.batches == ()
    assert plan.padding == 1.0


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_must_be_positive(budget: float) -> None:
    with pytest.raises(ValueError, match="positive budget"):
        planned([], budget)


# --- choose_batch_size_s -----------------------------------------------------------------------


def decide(audio_seconds: float, headroom_bytes: int = PLENTY, **options: object):  # type: ignore[no-untyped-def]
    return choose_batch_size_s(audio_seconds, headroom_bytes, MODEL, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "allowed_s"),
    [(0.1, 300), (4.99, 300), (5, 400), (29.9, 400), (30, 600), (600, 600)],
)
def test_the_length_of_the_recording_sets_the_ceiling(minutes: float, allowed_s: float) -> None:
    decision = decide(minutes * 60)
    assert decision.batch_size_s == decision.length_ceiling_s == allowed_s
    assert (decision.limited_by, decision.sized_for_s) == (BatchLimit.LENGTH, minutes * 60)


def test_ceilings_are_a_setting() -> None:
    ceilings = (LengthCeiling(60, 50), LengthCeiling(float("inf"), 900))
    assert decide(59, ceilings=ceilings).batch_size_s == 50
    assert decide(61, ceilings=ceilings).batch_size_s == 900


def test_the_ceiling_of_a_long_recording_may_be_the_devices() -> None:
    ceilings = (LengthCeiling(60, 50), LengthCeiling(math.inf, 2_400, is_the_devices=True))
    assert decide(59, ceilings=ceilings).limited_by is BatchLimit.LENGTH
    decision = decide(3_600, ceilings=ceilings)
    assert (decision.batch_size_s, decision.limited_by) == (2_400, BatchLimit.DEVICE)
    tight = decide(3_600, headroom_bytes=422_900_000, reserve=NO_RESERVE, ceilings=ceilings)
    assert (tight.batch_size_s, tight.limited_by) == (412, BatchLimit.MEMORY)
    asked = decide(3_600, fixed_s=100, ceilings=ceilings)
    assert (asked.batch_size_s, asked.limited_by) == (100, BatchLimit.SETTING)


def test_free_memory_caps_the_batch_and_the_decision_says_so() -> None:
    decision = decide(41 * 60, headroom_bytes=422_900_000, reserve=NO_RESERVE)
    assert decision.batch_size_s == 412
    assert decision.memory_cap_s == pytest.approx(412.9)
    assert (decision.limited_by, decision.length_ceiling_s) == (BatchLimit.MEMORY, 600)
    assert (decision.headroom_bytes, decision.memory_is_measured) == (422_900_000, False)


def test_the_decision_says_among_how_many_the_memory_is_divided() -> None:
    decision = decide(41 * 60, headroom_bytes=422_900_000, reserve=NO_RESERVE, jobs_at_once=2)
    assert decision.batch_size_s == 412
    assert (decision.jobs_at_once, decision.headroom_bytes) == (2, 422_900_000)


def test_the_decision_says_whether_the_memory_model_was_measured() -> None:
    measured = choose_batch_size_s(60, PLENTY, replace(MODEL, calibrated=True))
    assert measured.memory_is_measured


def test_the_reserve_is_left_alone() -> None:
    reserve = Reserve(fraction=0.5, floor_bytes=0)
    assert decide(3_600, headroom_bytes=620_000_000, reserve=reserve).batch_size_s == 300


def test_an_operators_number_replaces_the_ceiling_and_is_still_capped_by_memory() -> None:
    free = decide(10, fixed_s=1_000)
    assert free.batch_size_s == 1_000
    assert (free.limited_by, free.sized_for_s) == (BatchLimit.SETTING, None)
    tight = decide(10, fixed_s=1_000, headroom_bytes=110_000_000, reserve=NO_RESERVE)
    assert tight.batch_size_s == 100
    assert (tight.limited_by, tight.length_ceiling_s) == (BatchLimit.MEMORY, 1_000)
    assert tight.sized_for_s is None


def test_a_ceiling_learned_from_running_out_of_memory_holds() -> None:
    decision = decide(3_600, learned_ceiling_s=150.0)
    assert decision.batch_size_s == 150
    assert (decision.limited_by, decision.learned_ceiling_s) == (BatchLimit.LEARNED, 150)


def test_a_learned_ceiling_that_changes_nothing_is_not_the_limit() -> None:
    assert decide(60, learned_ceiling_s=500.0).limited_by is BatchLimit.LENGTH


@pytest.mark.parametrize("headroom_bytes", [0, 1, 10_000_000])
def test_without_memory_to_spare_every_span_goes_alone(headroom_bytes: int) -> None:
    decision = decide(3_600, headroom_bytes=headroom_bytes)
    assert decision.batch_size_s == 1.0
    assert decision.limited_by is BatchLimit.MEMORY and decision.memory_cap_s < 1
    plan = planned(spans_of([SAMPLE_RATE, 2 * SAMPLE_RATE]), decision.batch_size_s)
    assert [len(batch) for batch in plan.batches] == [1, 1]


@given(st.floats(0, 40_000), st.integers(0, 200_000 * MIB), st.floats(0, 1e5))
def test_the_predicted_peak_fits_into_the_headroom_less_the_reserve(
    audio_seconds: float, headroom_bytes: int, quadratic: float
) -> None:
    model = MemoryModel(10e6, 1e6, quadratic, resident_bytes=500e6)
    decision: BatchSizeDecision = choose_batch_size_s(audio_seconds, headroom_bytes, model)
    if decision.batch_size_s > 1.0:
        needed = decision.predicted_peak_bytes - 500e6
        assert needed <= Reserve().usable_bytes(headroom_bytes) + 1
