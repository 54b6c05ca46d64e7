"""The arithmetic of the recogniser: which of its parts may be rounded, and to what.

Encoder and decoder, nearly all of the work, may run in 16 bits.  What decides by a threshold or
between near equals stays float32: the predictor, whose tokens fire when a sum passes a whole
number, the timestamp BLSTM, the vocabulary's scores, and the whole of voice activity and
punctuation, whose networks are so small that on a GPU launching a kernel costs more than running
it.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from shared.errors import ModelUnavailable

_SIXTEEN_BITS = {"bfloat16": torch.bfloat16, "float16": torch.float16}

_ROUNDED = (nn.Linear, nn.Conv1d)


class Precision:
    """One of the values of LONGSCRIBE_PRECISION on one device.

    Raises ModelUnavailable where the device cannot compute in it.
    """

    def __init__(self, name: str = "float32", device: torch.device | None = None) -> None:
        self.name = name
        self._device_type = "cpu" if device is None else device.type
        self._dtype = _SIXTEEN_BITS.get(name)
        if self._dtype is None and name != "float32":
            raise ModelUnavailable(
                f"LONGSCRIBE_PRECISION is {name!r}; it must be float32 or one of "
                f"{', '.join(_SIXTEEN_BITS)}."
            )
        if name == "float16" and self._device_type == "cpu":
            raise ModelUnavailable(
                "LONGSCRIBE_PRECISION=float16 needs a GPU; a CPU emulates it, slower than "
                "float32. Set LONGSCRIBE_PRECISION to float32 or bfloat16."
            )
        if (
            name == "bfloat16"
            and self._device_type == "cuda"
            and torch.cuda.get_device_capability(device) < (8, 0)
        ):
            raise ModelUnavailable(
                "LONGSCRIBE_PRECISION=bfloat16 needs a GPU of NVIDIA's Ampere generation or "
                f"later, and {torch.cuda.get_device_name(device)} is older. Set "
                "LONGSCRIBE_PRECISION to float32 or float16."
            )

    def autocast(self) -> AbstractContextManager[Any]:
        """Around encoder and decoder: matrix products, convolutions and attention in 16 bits, sums
        and norms as they are."""
        if self._dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device_type, dtype=self._dtype, cache_enabled=False)

    def prepare(self, model: Any) -> None:
        """Round the weights that `autocast` would round in every batch anew, once and for all.

        `model` is a BiCifParaformer; its predictor and its vocabulary's layer stay as they are.
        """
        if self._dtype is None:
            return
        for part in (model.encoder, model.decoder):
            for module in part.modules():
                if isinstance(module, _ROUNDED) and module is not model.decoder.output_layer:
                    module.to(self._dtype)
        # The first layer widens its input and so has no residual to add to: its output is what all
        # later ones are added to, which must not happen in 16 bits.
        for layer in model.encoder.encoders0:
            layer.self_attn.register_forward_hook(_as_float32)


def _as_float32(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.float()
