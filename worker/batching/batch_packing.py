"""Packing of spans into forward passes.

`batch_size_s` is a budget of PADDED seconds: the longest span of a batch times the number of its
spans, for that is what the network computes on and what it takes memory for, or the most of it
where the network does not pad.  FunASR's own packing treats the figure as a threshold and closes a
batch after the span that crossed it, so 102 spans of 2.9 s and one of 59 s make one batch of 6,077
padded seconds under batch_size_s=300.  Here it is a ceiling: only a single span may exceed it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.pass_cost import MOST_UNPADDED_S, PassCost
from worker.recogniser import SAMPLE_RATE, SpeechSpan

_HALVINGS = 8
"""Steps of the search for an overhead: from a sample to minutes it ends within some 6 %."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Spans for one forward pass, longest first.

    `indices` are positions in the sequence that was planned; `samples` are those spans' lengths.
    """

    indices: tuple[int, ...]
    samples: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def longest_s(self) -> float:
        return self.samples[0] / SAMPLE_RATE

    @property
    def padded_s(self) -> float:
        return len(self.samples) * self.samples[0] / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Plan with every span of a job in exactly one batch, the longest spans first.

    So a budget that is too large for the device is found out at the start of a job.
    """

    batches: tuple[Batch, ...]
    batch_size_s: float
    pass_cost: PassCost

    @property
    def padded_s(self) -> float:
        """Seconds that its passes compute on."""
        computed = (self.pass_cost.computed_samples(batch.samples) for batch in self.batches)
        return sum(computed) / SAMPLE_RATE

    def computed_s(self, batch: Batch) -> float:
        """Seconds that the pass of one of its batches computes on."""
        return self.pass_cost.computed_samples(batch.samples) / SAMPLE_RATE

    @property
    def speech_s(self) -> float:
        return sum(sum(batch.samples) for batch in self.batches) / SAMPLE_RATE

    @property
    def padding(self) -> float:
        """Padded over spoken seconds: 1.0 is no waste."""
        speech = self.speech_s
        return self.padded_s / speech if speech else 1.0


def plan_batches(
    spans: Sequence[SpeechSpan],
    batch_size_s: float,
    *,
    pass_cost: PassCost,
    max_padding: float | None = None,
) -> BatchPlan:
    """Pack spans by length so that padding and the number of passes together cost least.

    Sorted by length, the best batches are runs of neighbours; which runs is a shortest path, solved
    exactly.  Where the plan's padding is above `max_padding`, by default the limit of such a cost,
    passes are charged as much less as it takes to come below; but what one pass costs may always be
    padded.  Where the network does not pad, passes are as few as the budget and `MOST_UNPADDED_S`
    allow.  The same spans give the same plan, and in another order the same batch shapes.
    Raises ValueError for a budget that is not positive.
    """
    if not batch_size_s > 0:
        raise ValueError(f"a batch needs a positive budget, not {batch_size_s} s")
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start - spans[i].end, i))
    lengths = np.array([spans[i].end - spans[i].start for i in order], dtype=np.int64)
    budget = math.floor(batch_size_s * SAMPLE_RATE)
    limit = pass_cost.padding_limit if max_padding is None else max_padding
    most_padded = limit * float(lengths.sum())
    if max_padding is None and pass_cost.is_expensive:
        most_padded = max(most_padded, pass_cost.fixed_s * SAMPLE_RATE)
    if pass_cost.pads:
        edges = _edges_within(lengths, budget, pass_cost, most_padded)
    else:
        edges = _edges_unpadded(lengths, budget, pass_cost)
    batches = tuple(
        Batch(tuple(order[first:last]), tuple(int(length) for length in lengths[first:last]))
        for first, last in pairwise(edges)
    )
    return BatchPlan(batches, batch_size_s, pass_cost)


def _edges_within(
    lengths: NDArray[np.int64], budget: int, cost: PassCost, most_padded: float
) -> list[int]:
    """The best edges at the largest share of the cost that pads to no more samples.

    The padding of the best edges never falls as passes grow dearer, and while they cost nothing
    there is none.
    """
    fixed = math.ceil(cost.fixed_s * SAMPLE_RATE)
    serial = cost.per_longest_s * lengths

    def edges_where_a_pass_costs(samples: int) -> list[int]:
        beside = serial * (samples / fixed if fixed else 1.0)
        return _best_edges(lengths, budget, samples + beside.astype(np.int64))

    edges = edges_where_a_pass_costs(fixed)
    if _padded(lengths, edges) <= most_padded:
        return edges
    edges, low, high = _best_edges(lengths, budget, np.zeros_like(lengths)), 1, max(1, fixed)
    for _ in range(_HALVINGS):
        middle = round(math.sqrt(low * high))
        tried = edges_where_a_pass_costs(middle)
        if _padded(lengths, tried) <= most_padded:
            edges, low = tried, middle
        else:
            high = middle
    return edges


def _edges_unpadded(lengths: NDArray[np.int64], budget: int, cost: PassCost) -> list[int]:
    """The best edges where nothing is computed for padding: few passes, none much too long."""
    beside = math.ceil(cost.fixed_s * SAMPLE_RATE) + (cost.per_longest_s * lengths).astype(np.int64)
    return _best_edges(lengths, budget, beside, most_spoken=int(MOST_UNPADDED_S * SAMPLE_RATE))


def _padded(lengths: NDArray[np.int64], edges: Sequence[int]) -> int:
    return sum(int(lengths[first]) * (last - first) for first, last in pairwise(edges))


def _best_edges(
    lengths: NDArray[np.int64],
    budget: int,
    beside: NDArray[np.int64],
    *,
    most_spoken: int | None = None,
) -> list[int]:
    """Edges of the batches in `lengths`, which are in falling order. All figures are samples.

    `beside` is what a batch that begins at each place costs beside its padded samples, or beside
    its spoken ones, of which it then has no more than `most_spoken`.
    """
    count = len(lengths)
    spoken = np.concatenate([[0], lengths.cumsum()])
    cost = np.zeros(count + 1, dtype=np.int64)  # of the cheapest batches for lengths[:end]
    begin = np.zeros(count + 1, dtype=np.int64)  # where the last of those begins
    # Batches that reach a given end can begin no earlier than the first one within the budget, and
    # that point never moves back, for the lengths fall.
    earliest = 0
    for end in range(1, count + 1):
        while earliest < end - 1 and int(lengths[earliest]) * (end - earliest) > budget:
            earliest += 1
        sizes = np.arange(end - earliest, 0, -1)
        # lengths[first] * size is not monotone in first: a later first may be too large again.
        padded = lengths[earliest:end] * sizes
        allowed = padded <= budget
        computed = padded
        if most_spoken is not None:
            computed = spoken[end] - spoken[earliest:end]
            allowed &= computed <= most_spoken
        allowed |= sizes == 1
        whole = cost[earliest:end] + computed + beside[earliest:end]
        total = np.where(allowed, whole, np.iinfo(np.int64).max)
        best = int(total.argmin())
        cost[end] = total[best]
        begin[end] = earliest + best
    edges = [count]
    while edges[-1] > 0:
        edges.append(int(begin[edges[-1]]))
    return edges[::-1]
