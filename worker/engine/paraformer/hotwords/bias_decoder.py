"""SeACo's decoder: tokens attend to a list of words instead of to the sound.

FunASR's own layers; only the steps between them are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from worker.engine.layers.linear import packs_linear_layers
from worker.engine.layers.sanm_layers import neighbours
from worker.engine.paraformer.hotwords.choice import KEPT
from worker.engine.paraformer.hotwords.chosen_words import words_kept
from worker.engine.paraformer.hotwords.keys_and_values import (
    EncodedWords,
    PackedWords,
    PlainWords,
    pieces,
)
from worker.engine.paraformer.hotwords.packed_tokens import Spoken

LAST_WEIGHED = 5
"""Index of the layer whose attention weighs the words: FunASR's sixth, or the last of fewer."""


class Asking(NamedTuple):
    """Tokens before a layer attends. Both (readings, tokens, width)."""

    x: Tensor
    query: Tensor


class BiasDecoder:
    """A `seaco_decoder` of FunASR, for inference."""

    def __init__(self, decoder: Any) -> None:
        self._layers = list(decoder.decoders)
        self._last = decoder.decoders3[0]
        self._norm = decoder.after_norm
        self._weighing = min(LAST_WEIGHED, len(self._layers) - 1)
        self.reach: int = max(self._layers[0].self_attn.pad_fn.padding)
        """Tokens before or after one that a layer remembers with it, at most."""

    @property
    def bytes_per_word(self) -> int:
        """Bytes that a word of a list takes: 25 kB at Paraformer-large's width and six layers."""
        return sum(2 * 4 * layer.src_attn.h * layer.src_attn.d_k for layer in self._layers)

    def bytes_of(self, words: int) -> int:
        """Bytes that a list of so many words holds, at most."""
        return (words + words_kept(words)) * self.bytes_per_word

    def listed(self, vectors: Tensor) -> EncodedWords:
        """Lay out the list whose words have these vectors, (words, width)."""
        attentions = [layer.src_attn for layer in self._layers]
        if not packs_linear_layers(vectors.device):
            return PlainWords(attentions, vectors)
        is_weighed = len(vectors) > KEPT
        return PackedWords(attentions, vectors, self._weighing if is_weighed else len(attentions))

    def begin(self, x: Tensor, spoken: Spoken) -> Asking:
        """Run the part of the first layer before it attends, in which no list plays a part.

        `x` (READINGS, tokens, width).
        """
        return self._ask(0, x, spoken)

    def weigh(self, begun: Asking, spoken: Spoken, words: EncodedWords) -> Tensor:
        """Weigh each word by the attention that the tokens of each span pay to it: (spans, words),
        in double precision, by what the decoder of the speech made of the tokens."""
        asking = Asking(*(part[-1:] for part in begun))
        for layer in range(self._weighing):
            found = _to_all(words, layer, asking.query)
            asking = self._ask(layer + 1, self._told(layer, asking, found), spoken)
        return attention_paid(words, self._weighing, asking.query[0], spoken)

    def decode(self, begun: Asking, spoken: Spoken, words: EncodedWords) -> Tensor:
        """Decode all spans with the whole list: (READINGS, tokens, width)."""
        return self._decode(begun, spoken, lambda layer, query: _to_all(words, layer, query))

    def decode_chosen(
        self, begun: Asking, spoken: Spoken, words: EncodedWords, chosen: Tensor
    ) -> Tensor:
        """Decode with words of its own for each span: `chosen` (spans, kept)."""
        of_layer = words.of(chosen)

        def attend(layer: int, query: Tensor) -> Tensor:
            keys, values = of_layer(layer)
            asked = spoken.side_by_side(query).unflatten(-1, (keys.shape[1], -1)).transpose(1, 2)
            found = scaled_dot_product_attention(asked, keys, values)
            return spoken.one_after_another(found.transpose(1, 2).flatten(2))

        return self._decode(begun, spoken, attend)

    def _decode(
        self, begun: Asking, spoken: Spoken, attend: Callable[[int, Tensor], Tensor]
    ) -> Tensor:
        asking = begun
        for layer in range(1, len(self._layers)):
            x = self._told(layer - 1, asking, attend(layer - 1, asking.query))
            asking = self._ask(layer, x, spoken)
        last = len(self._layers) - 1
        x = self._told(last, asking, attend(last, asking.query))
        out: Tensor = self._norm(self._last.feed_forward(self._last.norm1(x)))
        return out

    def _ask(self, number: int, x: Tensor, spoken: Spoken) -> Asking:
        """Run a layer's part before it attends: feed-forward, and the memory over neighbouring
        tokens."""
        layer = self._layers[number]
        own = layer.norm2(layer.feed_forward(layer.norm1(x)))
        around = neighbours(layer.self_attn, spoken.in_a_line(own))
        x = x + (spoken.out_of_line(around) + own)
        return Asking(x, layer.src_attn.linear_q(layer.norm3(x)))

    def _told(self, number: int, asking: Asking, found: Tensor) -> Tensor:
        """Add to the tokens what a layer found in the words."""
        told: Tensor = asking.x + self._layers[number].src_attn.linear_out(found)
        return told


def _to_all(words: EncodedWords, layer: int, query: Tensor) -> Tensor:
    """Let all tokens attend to all words, as if of one long span: (readings, tokens, width)."""
    return words.attend(layer, query.flatten(0, 1)).view(query.shape)


def attention_paid(words: EncodedWords, layer: int, query: Tensor, spoken: Spoken) -> Tensor:
    """Sum what `query` (tokens, width) pays over heads and a span's tokens: (spans, words)."""
    paid = query.new_zeros(spoken.spans, len(words), dtype=torch.float64)
    for rows in pieces(len(query), len(words)):
        of_tokens = words.attention(layer, query[rows]).double()
        paid += spoken.of_span[:, rows] @ of_tokens
    return paid
