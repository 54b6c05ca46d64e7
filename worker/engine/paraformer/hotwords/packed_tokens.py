"""Tokens of several spans in one row.

They are read one after another, without the padding that spans of different lengths have beside
each other: it would cost as much as they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from worker.engine.device import uploaded_numbers

READINGS = 2
"""Readings of each token: what the decoder of the speech was given, and what it made of it."""

_ROWS_TOGETHER = 8
"""Rows of a span are filled up to a multiple of these where spans lie side by side.  A CPU's
product gives the last one to three rows beyond a multiple of four other last bits than the same
rows in longer company."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Tokens of spans, in the layouts that a decoder's layers need. Rows are tokens."""

    spans: int
    line_rows: int
    """Rows of a line in which as many empty ones are between spans as a layer reaches."""
    places_in_line: Tensor
    """(tokens,) rows of that line."""
    own_rows: Tensor
    """(spans * rows,) of the readings behind each other: where each of a span's rows is taken
    from, the readings of a span behind each other; a row of filling is any other's."""
    places_of_own: Tensor
    """(READINGS * tokens,) places in which the readings stand then."""
    of_span: Tensor
    """(spans, tokens) in double precision: 1 where a token is a span's."""

    @classmethod
    def of(cls, counts: Sequence[int], reach: int, device: torch.device) -> Spoken:
        """Lay out spans of so many tokens, one at least in each; `reach` is by how many tokens a
        layer looks aside."""
        begins = [0, *accumulate(counts)]
        span_of = [span for span, count in enumerate(counts) for _ in range(count)]
        line = [token + reach * span for token, span in enumerate(span_of)]
        each = _ROWS_TOGETHER // READINGS
        longest = -(-max(counts) // each) * each
        rows = READINGS * longest
        own = [0] * (len(counts) * rows)
        back = [
            span * rows + reading * longest + token - begins[span]
            for reading in range(READINGS)
            for token, span in enumerate(span_of)
        ]
        for row, place in enumerate(back):
            own[place] = row
        # In one trip.
        numbers = uploaded_numbers([[*line, *span_of, *back, *own]], device)[0]
        in_line, span, places, rows_of = numbers.split([len(line)] * 2 + [len(back), len(own)])
        return cls(
            spans=len(counts),
            line_rows=line[-1] + 1,
            places_in_line=in_line,
            own_rows=rows_of,
            places_of_own=places,
            of_span=(torch.arange(len(counts), device=device)[:, None] == span).double(),
        )

    def in_a_line(self, x: Tensor) -> Tensor:
        """Turn (readings, tokens, width) into (readings, line_rows, width)."""
        line = x.new_zeros(len(x), self.line_rows, x.shape[-1])
        return line.index_copy_(1, self.places_in_line, x)

    def out_of_line(self, x: Tensor) -> Tensor:
        """Turn (readings, line_rows, width) back into (readings, tokens, width)."""
        return x.index_select(1, self.places_in_line)

    def side_by_side(self, x: Tensor) -> Tensor:
        """Turn (READINGS, tokens, width) into (spans, rows, width)."""
        own = x.flatten(0, 1).index_select(0, self.own_rows)
        beside: Tensor = own.unflatten(0, (self.spans, -1))
        return beside

    def one_after_another(self, x: Tensor) -> Tensor:
        """Turn (spans, rows, width) back into (READINGS, tokens, width)."""
        behind = x.flatten(0, 1).index_select(0, self.places_of_own)
        after: Tensor = behind.unflatten(0, (READINGS, -1))
        return after
