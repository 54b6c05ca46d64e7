"""The arithmetic that the operator asks for, and whether a device computes in it.

Which of its parts a network rounds is told where the network stands.  Voice activity and
punctuation never are: their networks are so small that on a GPU launching a kernel costs more than
running it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from shared.errors import ModelUnavailable
from worker.engine.layers.int8 import (
    CPUINFO,
    multiplies_in_int8,
    processor_flags,
    round_linear_layers,
)

INT8 = "int8"
_SIXTEEN_BITS = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_ROUNDED = (nn.Linear, nn.Conv1d)


TORCH, ONNXRUNTIME = "torch", "onnxruntime"
"""Libraries that may compute a network."""


class Precision:
    """Arithmetic of LONGSCRIBE_PRECISION on one device.

    `cpu_runtime` is what computes networks on a CPU that torch is not alone in computing: 'torch',
    'onnxruntime', or 'auto' for the one that was measured to be ahead in this arithmetic.
    Raises ModelUnavailable where the device cannot compute in it.
    """

    def __init__(
        self,
        name: str = "float32",
        device: torch.device | None = None,
        cpu_runtime: str = TORCH,
        cpuinfo: Path = CPUINFO,
    ) -> None:
        self.name = name
        self.runtime = _runtime(name, device, cpu_runtime, cpuinfo)
        """The runtime of the networks which have a choice."""
        self._device_type = "cpu" if device is None else device.type
        self.dtype = _SIXTEEN_BITS.get(name)
        """Type that parts are rounded to; None in float32 and in int8."""
        if name not in ("float32", *_SIXTEEN_BITS, INT8):
            raise ModelUnavailable(
                f"LONGSCRIBE_PRECISION is {name!r}; it must be float32 or one of "
                f"{', '.join(_SIXTEEN_BITS)} and {INT8}."
            )
        if self._device_type == "cuda":
            _require_gpu_computes_in(name, device)
        elif name == "float16":
            raise ModelUnavailable(
                "LONGSCRIBE_PRECISION=float16 needs a GPU; a CPU emulates it, slower than float32. "
                "Set LONGSCRIBE_PRECISION to float32, bfloat16 or int8."
            )
        elif name == INT8 and self.runtime == TORCH:
            _require_int8_products()

    def round_weights(self, *parts: nn.Module, but: nn.Module | None = None) -> None:
        """Round the weights of these parts once and for all, as `autocast` would in every batch
        anew; those of the layer `but` stay as they are."""
        if self.name == INT8:
            _require_int8_products()
            round_linear_layers(*parts, but=but)
        if self.dtype is None:
            return
        for module in itertools.chain.from_iterable(part.modules() for part in parts):
            if isinstance(module, _ROUNDED) and module is not but:
                module.to(self.dtype)

    def autocast(self) -> AbstractContextManager[Any]:
        """Context for code whose numbers may be rounded: matrix products, convolutions and
        attention in 16 bits, sums and norms as they are."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device_type, dtype=self.dtype, cache_enabled=False)


def _require_int8_products() -> None:
    if not multiplies_in_int8():
        raise ModelUnavailable(
            "LONGSCRIBE_PRECISION=int8 needs an x86-64 processor with 8-bit products (AVX-512 VNNI "
            "or AVX-VNNI), and this one has none; Paraformer alone does without, with "
            "LONGSCRIBE_CPU_RUNTIME=auto. Set LONGSCRIBE_PRECISION to float32."
        )


def _runtime(name: str, device: torch.device | None, wanted: str, cpuinfo: Path) -> str:
    """torch's on a GPU and in 16 bits, and what is wanted otherwise."""
    if (device is not None and device.type != "cpu") or name not in ("float32", INT8):
        return TORCH
    is_installed = all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime"))
    if wanted == "auto":
        # In float32 both take as long with a large network where they were measured, and only
        # torch's memory can be counted to the byte.  Processors without AVX2, and others than
        # x86-64, are not measured.
        is_ahead = name == INT8 and "avx2" in processor_flags(cpuinfo)
        return ONNXRUNTIME if is_ahead and is_installed else TORCH
    if wanted == ONNXRUNTIME and not is_installed:
        raise ModelUnavailable(
            "LONGSCRIBE_CPU_RUNTIME=onnxruntime needs the packages onnx and onnxruntime, which are "
            "not installed here. Install them, or set LONGSCRIBE_CPU_RUNTIME to auto."
        )
    return wanted


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
