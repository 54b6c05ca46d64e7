"""Continuous integrate-and-fire in closed form: how frames become tokens.

The predictor gives every frame a weight; a token is complete whenever the running sum passes the
next whole number.  FunASR walks over the frames in a Python loop (37 kernels a frame).  Written
with cumulative sums, token j collects from each frame the part of its weight that lies between
j and j + 1.  Sums are double precision, so the padding of a batch does not move them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, pad


def frame_weights(predictor: Any, line: Tensor) -> Tensor:
    """(1, T, 1) of frames (1, T, width): FunASR's convolution as one product, and its output.

    How torch convolves, and multiplies by a vector, follows how many frames there are, and a last
    bit with it.
    """
    around = pad(line, (0, 0, *predictor.pad.padding))
    convolution, output = predictor.cif_conv1d, predictor.cif_output
    windows = around.unfold(1, convolution.kernel_size[0], 1).flatten(2)
    convolved = linear(windows, convolution.weight.flatten(1), convolution.bias)
    weighed = (convolved.relu_() * output.weight[0]).sum(dim=2, keepdim=True)
    weights: Tensor = weighed + output.bias
    return weights


def token_counts(cumulative: Tensor) -> Tensor:
    """(batch, T) running sums of the weights to (batch,) whole tokens."""
    return cumulative[:, -1].floor().long()


def integrate_and_fire(hidden: Tensor, cumulative: Tensor, tokens: int) -> Tensor:
    """(batch, T, width) frames to (batch, tokens, width) acoustic embeddings.

    `cumulative` (batch, T or more) are the running sums of the weights, in double precision; what
    comes after the last frame lets a token fire and adds nothing to it.
    """
    after = cumulative[:, None, :]
    before = pad(cumulative, (1, 0))[:, None, :-1]
    first = torch.arange(tokens, device=hidden.device, dtype=cumulative.dtype)[None, :, None]
    shares = (torch.minimum(after, first + 1) - torch.maximum(before, first)).clamp_(min=0)
    return torch.bmm(shares[..., : hidden.shape[1]].to(hidden.dtype), hidden)
