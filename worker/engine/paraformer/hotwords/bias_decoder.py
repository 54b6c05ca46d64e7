"""SeACo's decoder: tokens attend to a list of words instead of to the sound.

FunASR's own layers; only the steps between them are ours.  FunASR hands every span of a batch a
copy of the list and projects it anew in each pass; here it is projected once a list and shared.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where the tokens of some spans stand. They are read one after another, without the padding
    that spans of different lengths have beside each other: it would cost as much as they do."""

    mask: Tensor
    """(spans, longest, 1): 1 where there is a token."""
    places: Tensor
    """(tokens,) of the padded spans, one span after the other."""

    def padded(self, x: Tensor) -> Tensor:
        """(readings, tokens, width) to (readings, spans, longest, width), 0 where no token is."""
        spans, longest, _ = self.mask.shape
        out = x.new_zeros(len(x), spans * longest, x.shape[-1])
        out[:, self.places] = x
        padded: Tensor = out.unflatten(1, (spans, longest))
        return padded

    def tokens_of(self, x: Tensor) -> Tensor:
        """The way back."""
        return x.flatten(1, 2)[:, self.places]

    def of_spans(self) -> Tensor:
        """(spans, tokens): whether a token is a span's."""
        spans, longest, _ = self.mask.shape
        return torch.arange(spans, device=self.places.device)[:, None] == self.places // longest


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
        """Keys and values of each layer, for the vectors of words, (words, width)."""
        return tuple(
            KeysAndValues(*(_heads(layer, part) for part in both))
            for layer in self._layers
            for both in [layer.src_attn.linear_k_v(vectors).chunk(2, dim=-1)]
        )

    def decode(self, x: Tensor, spoken: Spoken, layers: Sequence[KeysAndValues]) -> Tensor:
        """(2, tokens, width) of two readings of the same tokens to the same shape.

        `layers` are of the whole list, for all spans alike.
        """
        for layer, words in zip(self._layers, layers, strict=True):
            x = _remember(layer, x, spoken)
            # One list for all spans: they are read as one long span, and the list is not copied.
            query = _by_head(layer, _query(layer, x).flatten(0, 1))
            x = x + layer.src_attn.linear_out(_attend(query, words)).view(x.shape)
        return self._read_out(x)

    def decode_chosen(
        self, x: Tensor, spoken: Spoken, layers: Sequence[KeysAndValues], chosen: Tensor
    ) -> Tensor:
        """Decode with words of its own for each span: `chosen` (spans, kept)."""
        for layer, of_list in zip(self._layers, layers, strict=True):
            x = _remember(layer, x, spoken)
            words, heads = of_list.of(chosen), layer.src_attn.h
            # The readings of a span behind each other, for they attend to the same words.
            query = spoken.padded(_query(layer, x)).unflatten(-1, (heads, -1))
            query = query.permute(1, 3, 0, 2, 4)
            found = scaled_dot_product_attention(query.flatten(2, 3), words.keys, words.values)
            found = found.unflatten(2, query.shape[2:4]).permute(2, 0, 3, 1, 4).flatten(3)
            x = x + layer.src_attn.linear_out(spoken.tokens_of(found))
        return self._read_out(x)

    def _read_out(self, x: Tensor) -> Tensor:
        out: Tensor = self._norm(self._last.feed_forward(self._last.norm1(x)))
        return out

    def weigh(self, x: Tensor, spoken: Spoken, layers: Sequence[KeysAndValues]) -> Tensor:
        """(spans, words): how much attention the tokens of each span pay to each word.

        `x` (tokens, width).
        """
        x = x[None]
        weighing = min(LAST_WEIGHED, len(self._layers) - 1)
        for layer, words in zip(self._layers[:weighing], layers, strict=False):
            x = _remember(layer, x, spoken)
            query = _by_head(layer, _query(layer, x)[0])
            x = x + layer.src_attn.linear_out(_attend(query, words))
        layer, words = self._layers[weighing], layers[weighing]
        query = _by_head(layer, _query(layer, _remember(layer, x, spoken))[0])
        return _attention_paid(query * layer.src_attn.d_k**-0.5, words.keys, spoken)


def _attention_paid(query: Tensor, keys: Tensor, spoken: Spoken) -> Tensor:
    """(spans, words) sums over heads and tokens, in double precision."""
    heads, tokens, _ = query.shape
    of_span = spoken.of_spans().double()
    rows = max(1, _SCORES_AT_ONCE // (heads * keys.shape[1]))
    paid = torch.zeros(len(of_span), keys.shape[1], dtype=torch.float64, device=query.device)
    for begin in range(0, tokens, rows):
        steps = slice(begin, begin + rows)
        scores = (query[:, steps] @ keys.transpose(1, 2)).softmax(dim=-1)
        paid += of_span[:, steps] @ scores.sum(dim=0).double()
    return paid


def _remember(layer: Any, x: Tensor, spoken: Spoken) -> Tensor:
    """A layer's part before it attends: feed-forward, and the memory over neighbouring tokens."""
    readings = len(x)
    own = spoken.padded(layer.norm2(layer.feed_forward(layer.norm1(x))))
    memory, _ = layer.self_attn(own.flatten(0, 1), spoken.mask.repeat(readings, 1, 1))
    remembered: Tensor = x + spoken.tokens_of(memory.view(own.shape))
    return remembered


def _query(layer: Any, x: Tensor) -> Tensor:
    """(..., width) to (..., heads * width of one)."""
    query: Tensor = layer.src_attn.linear_q(layer.norm3(x))
    return query


def _by_head(layer: Any, query: Tensor) -> Tensor:
    """(tokens, heads * width) to (heads, tokens, width)."""
    by_head: Tensor = query.unflatten(-1, (layer.src_attn.h, -1))
    return by_head.transpose(0, 1)


def _heads(layer: Any, x: Tensor) -> Tensor:
    """(words, width) to (heads, words, width / heads)."""
    attention = layer.src_attn
    return x.reshape(len(x), attention.h, attention.d_k).transpose(0, 1).contiguous()


def _attend(query: Tensor, words: KeysAndValues) -> Tensor:
    """(tokens, heads * width) of a query (heads, tokens, width) to words that all tokens share."""
    found = scaled_dot_product_attention(query[None], words.keys[None], words.values[None])[0]
    return found.transpose(0, 1).flatten(1)
