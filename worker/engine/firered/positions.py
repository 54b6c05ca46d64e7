"""Sines and cosines of positions, as Transformer has them."""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """(positions, width) in float32: the sine and the cosine of a position by turns, in
    wavelengths from 2 pi to 20,000 pi."""
    exponents = torch.arange(0, width, 2, dtype=torch.float32, device=positions.device)
    # The logarithm in float32, as the networks were trained.
    frequencies = torch.exp(exponents * -(float(torch.tensor(10_000.0).log()) / width))
    angles = positions.float()[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
