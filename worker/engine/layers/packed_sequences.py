"""Rows of several spans one after another, without the padding that they have side by side.

On a CPU padding costs as much as speech, and what a layer multiplies does not ask whose row it is:
only attention and the memory over neighbouring rows do.  So spans of any lengths share a pass, and
the weights are read once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True, slots=True)
class SpanRows:
    """Layout of spans one after another. Layers replaced in `sanm_layers` and `attention` take it
    in place of a mask, with `x` (1, rows of all spans, width)."""

    lengths: tuple[int, ...]
    """Rows of each span; of some it may be none, but not of all."""
    reach: int
    """Rows by which a layer looks aside at most."""
    _lines: dict[tuple[int, torch.dtype], Tensor] = field(default_factory=dict)
    """Lines by width and arithmetic, kept from layer to layer, so that their gaps stay zeros."""

    @classmethod
    def of(cls, is_real: Tensor, reach: int) -> SpanRows:
        """Lay out the rows of (spans, T, 1) that are no padding; waits for their device."""
        return cls(tuple(is_real.sum(dim=(1, 2)).tolist()), reach)

    def taken(self, x: Tensor) -> Tensor:
        """Turn (spans, T, width) into (1, rows, width)."""
        own = [span[:length] for span, length in zip(x, self.lengths, strict=True)]
        return torch.cat(own)[None]

    def side_by_side(self, x: Tensor) -> Tensor:
        """Turn (1, rows, width) back into (spans, T, width), with zeros beyond a span's own."""
        beside = x.new_zeros(len(self.lengths), max(self.lengths), x.shape[2])
        places = [span[:length] for span, length in zip(beside, self.lengths, strict=True)]
        torch._foreach_copy_(places, list(x[0].split(self.lengths)))
        return beside

    def attend(self, query: Tensor, key: Tensor, value: Tensor, attended: SpanRows) -> Tensor:
        """Let each span's rows attend to its own in `attended`.

        All (1, heads, rows, width of a head); gives (1, rows, heads * width of a head).  No row of
        another span is in a product, so a result cannot depend on its neighbours.
        """
        found = [
            scaled_dot_product_attention(*own).transpose(1, 2).flatten(2)
            for own in zip(
                query.split(self.lengths, 2),
                key.split(attended.lengths, 2),
                value.split(attended.lengths, 2),
                strict=True,
            )
            if own[0].shape[2]
        ]
        return found[0] if len(found) == 1 else torch.cat(found, 1)

    def in_line(self, x: Tensor) -> Tensor:
        """Turn (1, rows, width) into (1, rows of a line, width), in which as many zeros are between
        spans as a layer reaches. It is overwritten by the next of its width."""
        key = x.shape[2], x.dtype
        line = self._lines.get(key)
        if line is None:
            places = sum(self.lengths) + self.reach * (len(self.lengths) - 1)
            line = self._lines[key] = x.new_zeros(1, places, x.shape[2])
        torch._foreach_copy_(self._places(line), list(x.split(self.lengths, 1)))
        return line

    def out_of_line(self, line: Tensor) -> Tensor:
        """Turn (1, rows of a line, width) back into (1, rows, width)."""
        return torch.cat(self._places(line), 1)

    def add_from_line(self, x: Tensor, line: Tensor) -> Tensor:
        """Add to `x` (1, rows, width), in place, what is in a line."""
        torch._foreach_add_(list(x.split(self.lengths, 1)), self._places(line))
        return x

    def _places(self, line: Tensor) -> list[Tensor]:
        begins = accumulate((length + self.reach for length in self.lengths), initial=0)
        return [
            line[:, begin : begin + length]
            for begin, length in zip(begins, self.lengths, strict=False)
        ]
