"""How spans of different lengths go through a recurrent layer together on a CPU.

A step reads the layer's weights once, whatever the number of spans, and waits for them as long as
it computes on `SPANS_A_STEP`; more spans then cost in proportion.  So all spans begin together, and
now and then those that have ended are left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SPANS_A_STEP = 5
"""Spans that a step takes in the time of one.  Of Paraformer-large's 4 MB of weights a direction,
on an EPYC: a second of the longest span took 11 CPU ms for 2 spans at once, 12 for 4, 14 for 6."""

STEPS_A_PIECE = 120
"""Steps of one span that a piece costs beside its own: the layer lays its weights out anew for
each, in 2 CPU ms, and makes kernels for another shape."""


class Piece(NamedTuple):
    """Steps that as many spans take at once."""

    spans: int
    end: int
    """The step after its last; it begins where the piece before ends."""


def lstm_pieces(lengths: Sequence[int]) -> list[Piece]:
    """Divide the steps of spans, the longest first, into the pieces that cost least together.

    Each length is a number of steps, at least one.
    """
    ends = np.unique([0, *lengths])
    falling = np.array(lengths)
    spans = np.array([int((falling > end).sum()) for end in ends])  # from each end on
    a_step = np.maximum(spans, SPANS_A_STEP)
    cost = np.zeros(len(ends), dtype=np.int64)
    begin = np.zeros(len(ends), dtype=np.int64)
    for last in range(1, len(ends)):
        total = cost[:last] + (ends[last] - ends[:last]) * a_step[:last] + STEPS_A_PIECE
        begin[last] = best = int(total.argmin())
        cost[last] = total[best]
    pieces: list[Piece] = []
    last = len(ends) - 1
    while last:
        pieces.append(Piece(int(spans[begin[last]]), int(ends[last])))
        last = int(begin[last])
    return pieces[::-1]
