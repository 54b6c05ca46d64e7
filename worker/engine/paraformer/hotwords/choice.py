"""Choose the words of a long list that may be said in a span."""

from __future__ import annotations

import torch
from torch import Tensor

KEPT = 50
"""FunASR's `nfilter`: most words that a span is decoded with, beside the one that means none."""


def choose(paid: Tensor) -> Tensor:
    """(spans, words) of attention paid to (spans, KEPT + 1) indices, in order of the list.

    The last word stands for none and is always there; FunASR lets it be among the others as well.
    Where two words have equally much, the first in the list is taken.  FunASR weighs the words by
    the first span of a batch; here each span has its own.
    """
    order = paid.sort(dim=1, descending=True, stable=True).indices
    kept = order[:, : min(KEPT, paid.shape[1] - 1)].sort(dim=1).values
    none = torch.full_like(kept[:, :1], paid.shape[1] - 1)
    return torch.cat([kept, none], dim=1)
