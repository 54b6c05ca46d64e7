"""Positions of frames as FunASR's SANM encoder adds them, computed once and kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_ROWS_AT_ONCE = 1_024
"""A minute of frames: no span is longer, as a rule."""


class Positions:
    """Position encodings of one encoder, kept from batch to batch. FunASR makes them anew for each
    batch, which waits for the device."""

    def __init__(self, embed: Any, width: int) -> None:
        self._embed = embed
        self._table = torch.zeros(1, 0, width)

    def of(self, x: Tensor) -> Tensor:
        """(1, T, width), to be added to `x` (batch, T, width), on its device."""
        rows = x.shape[1]
        if rows > self._table.shape[1] or x.device != self._table.device:
            wanted = -(-rows // _ROWS_AT_ONCE) * _ROWS_AT_ONCE
            self._table = self._embed(x.new_zeros(1, wanted, x.shape[2]))
        return self._table[:, :rows]
