"""Matrix products in 8-bit integers on a CPU, each frame and each token with a scale of its own.

Weights are rounded once, a scale for each output; activations on the way, a scale for each row.
The usual dynamic quantisation takes one scale for the whole batch, and so lets neighbours into the
result.  Here integer sums are exact and a row's scale is its own, so what a layer gives for a row
does not depend on the rest.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

_RELU_BEFORE_W_2 = "PositionwiseFeedForward"
"""FunASR's class of encoders, of which SenseVoice has a copy of its own; in decoders a norm stands
between."""

_SMALLEST = 1e-20
"""Least scale, for rows of nothing but zeros."""


class Int8Linear(nn.Module):
    """`nn.Linear` for inference on a CPU, in float32 from without.

    With `after_relu` inputs are known not to be negative, and no code is spent on a sign.
    """

    def __init__(self, linear: nn.Linear, *, after_relu: bool = False) -> None:
        super().__init__()
        weight = linear.weight.detach()
        self.bias = linear.bias
        self._scales = weight.abs().amax(dim=1).clamp_min_(_SMALLEST).div_(127)
        codes = (weight / self._scales[:, None]).round_().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(codes, None)
        self._zeros = torch.zeros(len(codes), dtype=torch.int64)
        self._outputs = len(codes)
        self._is_positive = after_relu

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        rows = x.reshape(-1, x.shape[-1])
        if self._is_positive:
            scales = rows.amax(dim=1, keepdim=True).clamp_min_(_SMALLEST).div_(255)
            signed = (rows * scales.reciprocal()).sub_(128)
            zero = 0
        else:
            scales = rows.abs().amax(dim=1, keepdim=True).clamp_min_(_SMALLEST).div_(127)
            signed = rows * scales.reciprocal()
            zero = 128
        # Straight to uint8 torch takes seven times as long; flipping the sign bit adds 128.
        codes = signed.round_().to(torch.int8).view(torch.uint8) ^ 128
        out: Tensor = torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, zero, self._weight, self._scales, self._zeros,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        out.mul_(scales)
        if self.bias is not None:
            out.add_(self.bias)
        return out.view(*x.shape[:-1], self._outputs)


CPUINFO = Path("/proc/cpuinfo")


def processor_flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """The instruction sets of this processor by Linux's names; elsewhere none."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    of_all = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(of_all, "").split())


def multiplies_in_int8(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether the processor multiplies int8 without overflow. Without these instructions
    oneDNN adds pairs of products up in 16 bits, which overflow."""
    return not processor_flags(cpuinfo).isdisjoint(("avx512_vnni", "avx_vnni"))


def round_linear_layers(*networks: nn.Module, but: nn.Module | None = None) -> int:
    """Replace every linear layer except `but` by one in 8 bits; give how many there were."""
    replaced = 0
    for module in [module for network in networks for module in network.modules()]:
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and child is not but:
                after_relu = name == "w_2" and type(module).__name__ == _RELU_BEFORE_W_2
                setattr(module, name, Int8Linear(child, after_relu=after_relu))
                replaced += 1
    return replaced
