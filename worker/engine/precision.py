"""The arithmetic that the operator asks for, and whether a device computes in it.

Which of its parts a network rounds is told where the network stands.  Voice activity and
punctuation never are: their networks are so small that on a GPU launching a kernel costs more than
running it.
"""

from __future__ import annotations

import contextlib
import itertools
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from shared.errors import ModelUnavailable
from worker.engine.layers.int8 import multiplies_in_int8, round_linear_layers

INT8 = "int8"
_SIXTEEN_BITS = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_ROUNDED = (nn.Linear, nn.Conv1d)


class Precision:
    """One of the values of LONGSCRIBE_PRECISION on one device.

    Raises ModelUnavailable where the device cannot compute in it.
    """

    def __init__(self, name: str = "float32", device: torch.device | None = None) -> None:
        self.name = name
        self._device_type = "cpu" if device is None else device.type
        self.dtype = _SIXTEEN_BITS.get(name)
        """What parts are rounded to; None in float32 and in int8."""
        if name not in ("float32", *_SIXTEEN_BITS, INT8):
            raise ModelUnavailable(
                f"LONGSCRIBE_PRECISION is {name!r}; it must be float32 or one of "
                f"{', '.join(_SIXTEEN_BITS)} and {INT8}."
            )
        if self._device_type == "cuda":
            _require_gpu_computes_in(name, device)
        else:
            _require_cpu_computes_in(name)

    def round_weights(self, *parts: nn.Module, but: nn.Module | None = None) -> None:
        """Round the weights of these parts once and for all, as `autocast` would in every batch
        anew; those of the layer `but` stay as they are."""
        if self.name == INT8:
            round_linear_layers(*parts, but=but)
        if self.dtype is None:
            return
        for module in itertools.chain.from_iterable(part.modules() for part in parts):
            if isinstance(module, _ROUNDED) and module is not but:
                module.to(self.dtype)

    def autocast(self) -> AbstractContextManager[Any]:
        """Around what may be rounded: matrix products, convolutions and attention in 16 bits, sums
        and norms as they are."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device_type, dtype=self.dtype, cache_enabled=False)


def _require_cpu_computes_in(name: str) -> None:
    if name == "float16":
        raise ModelUnavailable(
            "LONGSCRIBE_PRECISION=float16 needs a GPU; a CPU emulates it, slower than float32. Set "
            "LONGSCRIBE_PRECISION to float32, bfloat16 or int8."
        )
    if name == INT8 and not multiplies_in_int8():
        raise ModelUnavailable(
            "LONGSCRIBE_PRECISION=int8 needs an x86-64 processor with 8-bit products (AVX-512 VNNI "
            "or AVX-VNNI), and this one has none. Set LONGSCRIBE_PRECISION to float32."
        )


def _require_gpu_computes_in(name: str, device: torch.device | None) -> None:
    if name == INT8:
        raise ModelUnavailable(
            "LONGSCRIBE_PRECISION=int8 is for a CPU. Set LONGSCRIBE_PRECISION to bfloat16, float16 "
            "or float32 on a GPU."
        )
    if name == "bfloat16" and torch.cuda.get_device_capability(device) < (8, 0):
        raise ModelUnavailable(
            "LONGSCRIBE_PRECISION=bfloat16 needs a GPU of NVIDIA's Ampere generation or later, and "
            f"{torch.cuda.get_device_name(device)} is older. Set LONGSCRIBE_PRECISION to float32 "
            "or float16."
        )
