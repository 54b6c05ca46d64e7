"""SeACo's decoder: tokens attend to a list of words instead of to the sound.

FunASR's own layers; only the steps between them are ours.  FunASR hands every span of a batch a
copy of the list and projects it anew in each pass; here it is projected once a list and shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

_SCORES_AT_ONCE = 4_000_000
"""Attention scores held while words are weighed, 16 MB: spans and tokens are taken in pieces."""

LAST_WEIGHED = 5
"""Index of the layer whose attention weighs the words: FunASR's sixth, or the last of fewer."""


@dataclass(frozen=True, slots=True)
class KeysAndValues:
    """What one layer attends to. Both (heads, words, width / heads)."""

    keys: Tensor
    values: Tensor

    def of(self, chosen: Tensor) -> KeysAndValues:
        """Each span's own: `chosen` (spans, kept) gives (spans, heads, kept, width / heads)."""
        return KeysAndValues(
            self.keys[:, chosen].transpose(0, 1), self.values[:, chosen].transpose(0, 1)
        )


class BiasDecoder:
    """A `seaco_decoder` of FunASR, for inference."""

    def __init__(self, decoder: Any) -> None:
        self._layers = list(decoder.decoders)
        self._last = decoder.decoders3[0]
        self._norm = decoder.after_norm

    @property
    def bytes_per_word(self) -> int:
        """What a word of a list holds: 25 kB at Paraformer-large's width and six layers."""
        return sum(2 * 4 * layer.src_attn.h * layer.src_attn.d_k for layer in self._layers)

    def keys_and_values(self, vectors: Tensor) -> tuple[KeysAndValues, ...]:
        """Of each layer, for the vectors of words, (words, width)."""
        return tuple(
            KeysAndValues(*(_heads(layer, part) for part in both))
            for layer in self._layers
            for both in [layer.src_attn.linear_k_v(vectors).chunk(2, dim=-1)]
        )

    def decode(self, x: Tensor, mask: Tensor, layers: Sequence[KeysAndValues]) -> Tensor:
        """(2, spans, tokens, width) of two readings of the same spans to the same shape.

        `mask` (spans, tokens, 1) is 1 where there is a token.  `layers` are of the whole list, for
        all spans alike.
        """
        return self._decode(x, mask, iter(layers))

    def decode_chosen(
        self, x: Tensor, mask: Tensor, layers: Sequence[KeysAndValues], chosen: Tensor
    ) -> Tensor:
        """The same with words of its own for each span: `chosen` (spans, kept)."""
        return self._decode(x, mask, (layer.of(chosen) for layer in layers))

    def _decode(self, x: Tensor, mask: Tensor, words: Iterator[KeysAndValues]) -> Tensor:
        readings, spans, tokens, _ = x.shape
        x = x.flatten(0, 1)
        both = mask.repeat(readings, 1, 1)
        for layer, attended in zip(self._layers, words, strict=True):
            x = _remember(layer, x, both)
            # The readings of a span behind each other, for they attend to the same words.
            query = _query(layer, x).unflatten(0, (readings, spans)).permute(1, 2, 0, 3, 4)
            found = _attend(query.flatten(2, 3), attended)
            found = found.unflatten(2, (readings, tokens)).permute(2, 0, 3, 1, 4)
            x = x + layer.src_attn.linear_out(found.reshape(x.shape))
        out: Tensor = self._norm(self._last.feed_forward(self._last.norm1(x)))
        return out.view(readings, spans, *out.shape[1:])

    def weigh(self, x: Tensor, mask: Tensor, layers: Sequence[KeysAndValues]) -> Tensor:
        """(spans, words): how much attention the tokens of each span pay to each word.

        `x` (spans, tokens, width), `mask` (spans, tokens, 1).
        """
        weighing = min(LAST_WEIGHED, len(self._layers) - 1)
        for layer, words in zip(self._layers[:weighing], layers, strict=False):
            x = _remember(layer, x, mask)
            found = _attend(_query(layer, x), words)
            x = x + layer.src_attn.linear_out(found.transpose(1, 2).reshape(x.shape))
        layer, words = self._layers[weighing], layers[weighing]
        query = _query(layer, _remember(layer, x, mask)) * layer.src_attn.d_k**-0.5
        return _attention_paid(query, words.keys, mask)


def _attention_paid(query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """(spans, words) sums over heads and tokens, in double precision."""
    spans, heads, tokens, _ = query.shape
    rows = max(1, _SCORES_AT_ONCE // (heads * keys.shape[1]))
    together = max(1, rows // tokens)
    paid = torch.zeros(spans, keys.shape[1], dtype=torch.float64, device=query.device)
    for first in range(0, spans, together):
        some = slice(first, first + together)
        for begin in range(0, tokens, rows):
            steps = slice(begin, begin + rows)
            scores = (query[some, :, steps] @ keys.transpose(1, 2)).softmax(dim=-1)
            paid[some] += (scores * mask[some, None, steps]).sum(dim=(1, 2))
    return paid


def _remember(layer: Any, x: Tensor, mask: Tensor) -> Tensor:
    """A layer's part before it attends: feed-forward, and the memory over neighbouring tokens."""
    memory, _ = layer.self_attn(layer.norm2(layer.feed_forward(layer.norm1(x))), mask)
    remembered: Tensor = x + memory
    return remembered


def _query(layer: Any, x: Tensor) -> Tensor:
    """(spans, tokens, width) to (spans, heads, tokens, width / heads)."""
    attention = layer.src_attn
    query: Tensor = attention.linear_q(layer.norm3(x))
    return query.view(*query.shape[:-1], attention.h, attention.d_k).transpose(1, 2)


def _heads(layer: Any, x: Tensor) -> Tensor:
    """(words, width) to (heads, words, width / heads)."""
    attention = layer.src_attn
    return x.reshape(len(x), attention.h, attention.d_k).transpose(0, 1).contiguous()


def _attend(query: Tensor, words: KeysAndValues) -> Tensor:
    """(spans, heads, tokens, width / heads) of a query of that shape."""
    if words.keys.dim() == 4:
        return scaled_dot_product_attention(query, words.keys, words.values)
    # One list for all spans: they are read as one long span, and the list is not copied.
    spans, heads, tokens, width = query.shape
    together = query.transpose(0, 1).flatten(1, 2)
    found = scaled_dot_product_attention(together[None], words.keys[None], words.values[None])[0]
    return found.view(heads, spans, tokens, width).transpose(0, 1)
