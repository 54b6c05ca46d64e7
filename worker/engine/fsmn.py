"""FSMN, the network of FunASR's voice activity detection, block by block.

FunASR's own weights; the steps between them are ours.  FunASR lays the memory of each layer out
anew for every convolution and normalises the five copies of each frame apart; here the layers keep
their memory as the convolution wants it, and the normalisation is part of the first layer's
weights.  A third less time on a CPU, and probabilities within 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d

from worker.engine.linear import PackedLinear, packs_linear_layers

Memory = list[Tensor]
"""(channels, frames) for each layer: the last frames of what its convolution saw."""

_Step = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class _Layer:
    shrink: _Step
    looking_back: Tensor
    """(channels, 1, frames): each channel's weights for the frames up to now."""
    frames_apart: int
    grow: _Step


class Fsmn:
    """Stacked filter banks in, probabilities out. Stateless: a recording brings its own memory."""

    def __init__(self, encoder: Any, shift: Tensor, scale: Tensor) -> None:
        """`encoder` is FunASR's, looking back only; features are (stacked + shift) * scale."""
        self._first = (
            _step(_after_normalising(encoder.in_linear1.linear, shift, scale)),
            _step(encoder.in_linear2.linear, relu=True),
        )
        self._layers = [
            _Layer(
                shrink=_step(layer.linear.linear),
                looking_back=layer.fsmn_block.conv_left.weight[..., 0],
                frames_apart=layer.fsmn_block.lstride,
                grow=_step(layer.affine.linear, relu=True),
            )
            for layer in encoder.fsmn
        ]
        self._last = _step(encoder.out_linear1.linear), _step(encoder.out_linear2.linear)

    def silence(self) -> Memory:
        """The memory at a recording's beginning."""
        memory = []
        for layer in self._layers:
            channels, _, frames = layer.looking_back.shape
            memory.append(layer.looking_back.new_zeros(channels, (frames - 1) * layer.frames_apart))
        return memory

    def __call__(self, stacked: Tensor, memory: Memory) -> Tensor:
        """(frames, classes) of probabilities for the next (frames, features); moves `memory` on."""
        hidden = stacked
        for step in self._first:
            hidden = step(hidden)
        for number, layer in enumerate(self._layers):
            hidden = layer.shrink(hidden)
            seen = torch.cat([memory[number], hidden.T], dim=1)
            memory[number] = seen[:, len(hidden) :].clone()
            remembered = conv1d(
                seen[None], layer.looking_back, dilation=layer.frames_apart, groups=len(seen)
            )
            hidden = layer.grow(hidden + remembered[0].T)
        for step in self._last:
            hidden = step(hidden)
        return hidden.softmax(dim=-1)


def _step(layer: nn.Linear, *, relu: bool = False) -> _Step:
    if packs_linear_layers(layer.weight.device):
        return PackedLinear(layer, relu=relu)
    return nn.Sequential(layer, nn.ReLU(inplace=True)) if relu else layer


def _after_normalising(layer: nn.Linear, shift: Tensor, scale: Tensor) -> nn.Linear:
    """The layer for features that have not been normalised."""
    weight = layer.weight.detach().double() * scale.double()
    bias = layer.bias.detach().double() + weight @ shift.double()
    folded = nn.Linear(layer.in_features, layer.out_features, device=layer.weight.device)
    folded.weight.data = weight.to(layer.weight.dtype)
    folded.bias.data = bias.to(layer.weight.dtype)
    return folded.requires_grad_(False)
