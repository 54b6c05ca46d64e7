"""The sums of FunASR's SANM encoders, Paraformer's and SenseVoice's, where products are 16 bits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def keep_residuals_in_float32(encoder: Any) -> None:
    """Give the first layer's output in float32.

    That layer widens its input and so has no residual to add to: its output is what all later ones
    are added to, which must not happen in 16 bits.
    """
    for layer in encoder.encoders0:
        layer.self_attn.register_forward_hook(_as_float32)


def _as_float32(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.float()
