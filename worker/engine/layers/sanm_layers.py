"""FunASR's SANM layers for inference alone, in two thirds of the operations.

A GPU waits for the host to launch them, so what does nothing outside of training is left out: a
dropout, a product with one, padding before a convolution that pads by itself, a mask on rows that
nobody reads.  Sums keep their order, so on a CPU every row of audio keeps its last bit; where
operations are launched (`saves_launches`) two more are fused, and a last bit may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from worker.engine.layers.depthwise import convolve_channels
from worker.engine.layers.packed_sequences import SpanRows

_ALIGNMENT = 16
"""Numbers by which a row of scores must lie apart for a GPU's kernel to read it in place."""


@dataclass(frozen=True, slots=True)
class RowMask:
    """Mask of the rows of a padded batch that are no padding. Layers replaced here take it in place
    of a tensor."""

    rows: Tensor
    """(batch, T, 1), true where there is audio or a token."""
    scores: Tensor | None = None
    """(batch, 1, 1, T), 0 there and -inf elsewhere, for what attends to the rows."""

    @classmethod
    def attended(cls, is_real: Tensor, dtype: torch.dtype) -> RowMask:
        """Make the mask from (batch, T), with scores in the arithmetic of attention."""
        length = is_real.shape[1]
        apart = -(-length // _ALIGNMENT) * _ALIGNMENT
        scores = pad(is_real.to(dtype), (0, apart - length)).log_()  # of one and of nothing
        return cls(is_real[..., None], scores[:, None, None, :length])

    def taken(self, x: Tensor) -> Tensor:
        """Turn (batch, T, width) into what the layers read: the same."""
        return x

    def side_by_side(self, x: Tensor) -> Tensor:
        """Turn what the layers give back into (batch, T, width): the same."""
        return x


def saves_launches(device: torch.device) -> bool:
    return device.type != "cpu"


def leave_training_out(*networks: nn.Module) -> int:
    """Replace the `forward` of every layer that is known; give how many there were.

    All must be `usual`, and have fused attention.  Encoder and decoder layers then take a RowMask
    and give rows alone.
    """
    replaced = 0
    for module in [module for network in networks for module in network.modules()]:
        forward = _FOR_INFERENCE.get(type(module).__name__)
        if forward is not None:
            module.forward = partial(forward, module)
            replaced += 1
    return replaced


def add_inputs_within_memory(*networks: nn.Module) -> int:
    """Let each convolution of the memory add its own input, by a one in its middle; give how many.

    Only in float32: in 16 bits the small weight beside the one would be lost.
    """
    folded = 0
    modules: list[Any] = [module for network in networks for module in network.modules()]
    for module in modules:
        convolution = getattr(module, "fsmn_block", None)
        if convolution is None or convolution.weight.dtype != torch.float32:
            continue
        with torch.no_grad():
            weight = convolution.weight.clone()
            weight[:, :, module.pad_fn.padding[0]] += 1.0
        convolution.weight = nn.Parameter(weight, requires_grad=False)
        module.memory_adds_input = True
        folded += 1
    return folded


def memory(layer: Any, x: Tensor, mask: RowMask | SpanRows) -> Tensor:
    """(batch, T, width): the convolution over neighbouring rows, and `x`. Only real rows count."""
    if isinstance(mask, SpanRows):
        return mask.out_of_line(remembered_in_line(layer, x, mask))
    kept = x * mask.rows
    around = neighbours(layer, kept)
    # `kept` has the finer numbers of the two where they differ.
    return around if getattr(layer, "memory_adds_input", False) else kept.add_(around)


def remembered_in_line(layer: Any, x: Tensor, rows: SpanRows) -> Tensor:
    """Give what `memory` does of (1, rows, width), in a line."""
    line = rows.in_line(x)
    return line + neighbours(layer, line)


def masked_memory(layer: Any, x: Tensor, mask: Tensor) -> Tensor:
    """The same with FunASR's own mask, (batch, 1, T) or (batch, T, 1); nothing in rows beyond."""
    rows = mask.reshape(len(x), -1, 1)
    kept = x * rows
    return kept.add_(neighbours(layer, kept)).mul_(rows)


def neighbours(layer: Any, rows: Tensor) -> Tensor:
    """(batch, T, width): of each row, itself and its neighbours weighted."""
    before, after = layer.pad_fn.padding
    if before == after:
        return convolve_channels(rows, layer.fsmn_block.weight, before)
    around: Tensor = layer.fsmn_block(layer.pad_fn(rows.transpose(1, 2)))
    return around.transpose(1, 2)


def reach(*networks: nn.Module) -> int:
    """Count the rows by which a layer's memory looks aside at most."""
    modules: list[Any] = [module for network in networks for module in network.modules()]
    return max((max(m.pad_fn.padding) for m in modules if hasattr(m, "fsmn_block")), default=0)


def usual(network: nn.Module) -> bool:
    """Return whether all layers normalise before and add their residuals; only these are
    supported."""
    return all(
        getattr(module, "normalize_before", True) and not getattr(module, "concat_after", False)
        for module in network.modules()
    )


def _encoder_layer(layer: Any, x: Tensor, mask: RowMask | SpanRows) -> Tensor:
    attended: Tensor = layer.self_attn(layer.norm1(x), mask)
    x = x + attended if layer.in_size == layer.size else attended
    told: Tensor = layer.feed_forward(layer.norm2(x))
    return x + told


def _decoder_layer(
    layer: Any,
    x: Tensor,
    mask: RowMask | SpanRows,
    attended: Tensor,
    attended_mask: RowMask | SpanRows,
) -> Tensor:
    """`x` (batch, tokens, width), `attended` (batch, T, width)."""
    told: Tensor = layer.feed_forward(layer.norm1(x))
    x = told if layer.self_attn is None else x + layer.self_attn(layer.norm2(told), mask)[0]
    if layer.src_attn is None:
        return x
    asking = mask if isinstance(mask, SpanRows) else None
    found: Tensor = layer.src_attn(layer.norm3(x), attended, attended_mask, asking=asking)
    return x + found


def _token_memory(layer: Any, x: Tensor, mask: RowMask | SpanRows | Tensor) -> tuple[Tensor, None]:
    if isinstance(mask, Tensor):  # of the hotwords' decoder
        return masked_memory(layer, x, mask), None
    return memory(layer, x, mask), None


def _feed_forward(layer: Any, x: Tensor) -> Tensor:
    out: Tensor = layer.w_2(_activated(layer, x))
    return out


def _normalised_feed_forward(layer: Any, x: Tensor) -> Tensor:
    out: Tensor = layer.w_2(layer.norm(_activated(layer, x)))
    return out


def _activated(layer: Any, x: Tensor) -> Tensor:
    if (
        saves_launches(x.device)
        and type(layer.w_1) is nn.Linear
        and isinstance(layer.activation, nn.ReLU)
    ):
        return linear_relu(layer.w_1, x)
    out: Tensor = layer.activation(layer.w_1(x))
    return out


def linear_relu(linear: nn.Linear, x: Tensor) -> Tensor:
    """A linear layer and the ReLU after it in one operation."""
    rows = x.reshape(-1, x.shape[-1]).to(linear.weight.dtype)
    out: Tensor = torch._addmm_activation(linear.bias, rows, linear.weight.t(), use_gelu=False)
    return out.view(*x.shape[:-1], -1)


_FOR_INFERENCE: dict[str, Callable[..., Any]] = {
    "EncoderLayerSANM": _encoder_layer,
    "DecoderLayerSANM": _decoder_layer,
    "MultiHeadedAttentionSANMDecoder": _token_memory,
    "PositionwiseFeedForward": _feed_forward,
    "PositionwiseFeedForwardDecoderSANM": _normalised_feed_forward,
}
"""Replacements by FunASR's class alone, for of some it has the same in several modules."""
