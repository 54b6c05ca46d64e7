"""Fused attention in place of FunASR's, which keeps four matrices of batch * heads * T * T.

torch's scaled_dot_product_attention computes the same without them, so memory grows linearly with
the length of a span.  Only `forward` of our own network's modules is replaced; other FunASR models
in the process are untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from worker.engine.layers.packed_sequences import SpanRows
from worker.engine.layers.sanm_layers import (
    RowMask,
    masked_memory,
    memory,
    remembered_in_line,
)


def use_fused_attention(network: nn.Module) -> int:
    """Replace the attention of every layer that has one; give how many there were.

    Parameters stay where they are.  The layers then serve inference only: no dropout, no chunked
    streaming.
    """
    replaced = 0
    for module in network.modules():
        forward = _FUSED.get((type(module).__module__, type(module).__name__))
        if forward is None:
            continue
        module.forward = partial(forward, module)
        replaced += 1
    return replaced


def _self_attention(
    layer: Any,
    x: Tensor,
    mask: RowMask | SpanRows | Tensor,
    mask_shfit_chunk: None = None,
    mask_att_chunk_encoder: None = None,
) -> Tensor:
    """`x` (batch, T, width); `mask` (batch, 1, T) where it is a tensor, true where there is
    audio."""
    query, key, value, plain_value = layer.forward_qkv(x)
    if isinstance(mask, SpanRows):
        line = remembered_in_line(layer, plain_value, mask)
        return mask.add_from_line(_attend_within(layer, query, key, value, mask, mask), line)
    if isinstance(mask, RowMask):
        remembered = memory(layer, plain_value, mask)
    else:
        remembered = masked_memory(layer, plain_value, mask)
    attended: Tensor = _attend(layer, query, key, value, mask) + remembered
    return attended


def _cross_attention(
    layer: Any,
    x: Tensor,
    attended: Tensor,
    attended_mask: RowMask | SpanRows | Tensor,
    ret_attn: bool = False,
    asking: SpanRows | None = None,
) -> Tensor:
    """`x` (batch, tokens, width), `attended` (batch, T, width) and its mask, as above; `asking` are
    the rows of `x` where spans lie one after another."""
    query, key, value = layer.forward_qkv(x, attended)
    if isinstance(attended_mask, SpanRows):
        assert asking is not None
        return _attend_within(layer, query, key, value, asking, attended_mask)
    return _attend(layer, query, key, value, attended_mask)


def _attend_within(
    layer: Any, query: Tensor, key: Tensor, value: Tensor, asking: SpanRows, attended: SpanRows
) -> Tensor:
    out: Tensor = layer.linear_out(asking.attend(query, key, value, attended))
    return out


def _attend(
    layer: Any, query: Tensor, key: Tensor, value: Tensor, mask: RowMask | Tensor
) -> Tensor:
    # The mask is passed even when nothing is padded: without it torch picks another kernel, whose
    # rounding differs, and a result would depend on its neighbours' lengths.
    scores = mask.scores if isinstance(mask, RowMask) else mask.bool()[:, None]
    context = scaled_dot_product_attention(query, key, value, attn_mask=scores)
    batch, _, length, _ = context.shape
    out: Tensor = layer.linear_out(context.transpose(1, 2).reshape(batch, length, -1))
    return out


_FUSED: dict[tuple[str, str], Callable[..., Tensor]] = {
    ("funasr.models.sanm.attention", "MultiHeadedAttentionSANM"): _self_attention,
    ("funasr.models.sanm.attention", "MultiHeadedAttentionCrossAtt"): _cross_attention,
    # SenseVoice has a copy of its own.
    ("funasr.models.sense_voice.model", "MultiHeadedAttentionSANM"): _self_attention,
}
"""Replacements by FunASR's module and class, so that none is imported that the network does not
have."""
