"""Matrix products on a CPU: oneDNN's, with the weights laid out for it once.

torch multiplies float32 by MKL.  On the processors tried oneDNN is a third faster with weights that
it has packed itself, and the row that it gives for a frame does not depend on how many others are
in the batch.  Layers are replaced in our own network only, and hold packed weights in place of the
plain ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from worker.engine.layers.int8 import CPUINFO

KERNELS_KEPT = 24
"""oneDNN makes a kernel for every shape, in a millisecond, and keeps it, a megabyte each.  A batch
needs some 20 of them, and the next batch has another shape.  With every layer packed, small ones
too, an hour's recognition by the bundled model took 6.6 CPU s with 24 kept and 7.6 with 8 or 64."""

# Read by torch's glue to oneDNN and by oneDNN itself when they make their first kernel. By default
# both keep 1,024, hundreds of megabytes after an hour's meeting.
for _capacity in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
    os.environ.setdefault(_capacity, str(KERNELS_KEPT))


class PackedMatrix:
    """A matrix (outputs, inputs) in float32 on a CPU that rows are multiplied by."""

    def __init__(self, matrix: Tensor) -> None:
        self.nbytes = matrix.nbytes
        """Bytes of the matrix without what rows are filled up with, at most 63."""
        self._packed = torch.ops.mkldnn._reorder_linear_weight(matrix.detach().contiguous())

    def product(self, x: Tensor, bias: Tensor | None = None, then: str = "none") -> Tensor:
        """(..., inputs) to (..., outputs); `then` 'relu' is computed on the way."""
        out: Tensor
        if x.numel() == x.shape[-1]:
            # A row by itself has a kernel of its own, which adds in another order where the inputs
            # are some 2,000 and more.
            twice = x.reshape(1, -1).expand(2, -1)
            out = torch.ops.mkldnn._linear_pointwise(twice, self._packed, bias, then, [], "")
            return out[:1].view(*x.shape[:-1], -1)
        out = torch.ops.mkldnn._linear_pointwise(x, self._packed, bias, then, [], "")
        return out


class PackedLinear(nn.Module):
    """`nn.Linear` in float32 for inference on a CPU, with what follows it fused."""

    def __init__(self, linear: nn.Linear, *, relu: bool = False) -> None:
        super().__init__()
        self.bias = linear.bias
        self._matrix = PackedMatrix(linear.weight)
        self._then = "relu" if relu else "none"

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        return self._matrix.product(x, self.bias, self._then)


def packs_linear_layers(device: torch.device) -> bool:
    return device.type == "cpu" and torch.backends.mkldnn.is_available()


WORTH_PACKING = 512 * 512
"""Weights from which on a layer gains more than the kernels for another shape of batch cost: none
of the bundled model's layers, every one of Paraformer-large's."""

WORTH_PACKING_BESIDE_AVX2 = 128 * 384
"""The same where oneDNN multiplies twice as many numbers at once as MKL: the bundled model's
feed-forward layers and those that queries, keys and values come from.  With them its recognition
takes a tenth less there, and where both have AVX2 2 % more."""


def worth_packing(cpuinfo: Path = CPUINFO) -> int:
    """Weights from which on a layer of a recogniser is worth it on this processor.

    MKL takes AVX2 on AMD's processors, whatever else they have.
    """
    try:
        is_by_amd = "AuthenticAMD" in cpuinfo.read_text()
    except OSError:
        is_by_amd = False
    takes_avx512 = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return WORTH_PACKING_BESIDE_AVX2 if is_by_amd and takes_avx512 else WORTH_PACKING


def pack_linear_layers(network: nn.Module, *, from_weights: int = WORTH_PACKING) -> int:
    """Replace every float32 layer of so many weights, and the ReLU after it where there is one.

    Gives how many there were.  Where all batches have one shape, every layer is worth it.
    """
    replaced = 0
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is not nn.Linear or child.weight.dtype != torch.float32:
                continue
            if child.weight.numel() < from_weights:
                continue
            is_activated = name == "w_1" and isinstance(
                getattr(module, "activation", None), nn.ReLU
            )
            if is_activated:
                module.activation = nn.Identity()
            setattr(module, name, PackedLinear(child, relu=is_activated))
            replaced += 1
    return replaced
