"""The Transformer decoder of FireRedASR, a token at a time for all hypotheses of all spans.

Written by the published equations (Vaswani et al. 2017, norms first), with the parameters named as
in the released checkpoints.  Keys and values of earlier tokens are kept, and those of the speech
once a span: the hypotheses of a span are queries beside each other there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from worker.engine.firered.positions import sinusoids


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """Sizes of the decoder according to a checkpoint's arguments."""

    blocks: int
    heads: int
    width: int
    vocabulary: int


class Decoder(nn.Module):
    """Scores of the next token, of what was said before and of the encoder's frames."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.tgt_word_emb = nn.Embedding(shape.vocabulary, shape.width)
        self.layer_stack = nn.ModuleList(Layer(shape) for _ in range(shape.blocks))
        self.layer_norm_out = nn.LayerNorm(shape.width)
        self.tgt_word_prj = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.tgt_word_prj.weight = self.tgt_word_emb.weight

    def begin(self, encoded: Tensor, is_own: Tensor, beams: int, most_tokens: int) -> Memory:
        """`encoded`: (spans, T, width); `is_own`: (spans, T).

        Room for the keys and values of `most_tokens` is taken at once, so that what a batch needs
        follows from its shape and not from what is said in it.
        """
        spans, heads = len(encoded), self.shape.heads
        room = (spans * beams, heads, most_tokens, self.shape.width // heads)
        layers = []
        for layer in self.layer_stack:
            assert isinstance(layer, Layer)
            keys, values = layer.cross_attn.keys_and_values(encoded)
            layers.append(
                LayerMemory(encoded.new_empty(room), encoded.new_empty(room), keys, values)
            )
        positions = torch.arange(most_tokens, device=encoded.device)
        return Memory(layers, is_own[:, None, None], sinusoids(positions, self.shape.width))

    def step(self, tokens: Tensor, memory: Memory) -> Tensor:
        """(spans * beams, vocabulary): scores after the last tokens, (spans * beams,)."""
        x = self.tgt_word_emb(tokens) * self.shape.width**0.5 + memory.positions[memory.tokens]
        for layer, kept in zip(self.layer_stack, memory.layers, strict=True):
            x = layer(x, kept, memory)
        memory.tokens += 1
        scores: Tensor = self.tgt_word_prj(self.layer_norm_out(x))
        return scores


@dataclass(slots=True)
class LayerMemory:
    """Keys and values of one layer: (rows, heads, tokens, width of a head) of the tokens, and
    (spans, heads, T, width of a head) of the speech."""

    keys: Tensor
    values: Tensor
    speech_keys: Tensor
    speech_values: Tensor


@dataclass(slots=True)
class Memory:
    """Keys and values of all layers for a batch while it is decoded."""

    layers: list[LayerMemory]
    is_own: Tensor
    """(spans, 1, 1, T): the frames that are a span's own."""
    positions: Tensor
    tokens: int = 0
    """Tokens that have been kept."""

    def follow(self, rows: Tensor) -> None:
        """Let each hypothesis go on from that of `rows`, (rows,), layer by layer: a second copy of
        all would be as large as all."""
        for layer in self.layers:
            for kept in (layer.keys, layer.values):
                kept[:, :, : self.tokens] = kept[rows, :, : self.tokens]

    def keep(self, spans: Tensor, rows: Tensor) -> None:
        """Forget all spans and hypotheses but these."""
        self.is_own = self.is_own[spans]
        for layer in self.layers:
            layer.keys, layer.values = layer.keys[rows], layer.values[rows]
            layer.speech_keys = layer.speech_keys[spans]
            layer.speech_values = layer.speech_values[spans]


class Layer(nn.Module):
    """Attention to the tokens before, attention to the speech, a feed-forward layer."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.self_attn_norm = nn.LayerNorm(shape.width)
        self.self_attn = Attention(shape)
        self.cross_attn_norm = nn.LayerNorm(shape.width)
        self.cross_attn = Attention(shape)
        self.mlp_norm = nn.LayerNorm(shape.width)
        self.mlp = FeedForward(shape.width)

    def forward(self, x: Tensor, kept: LayerMemory, memory: Memory) -> Tensor:
        """`x`: (rows, width)."""
        x = x + self._attend_to_tokens(self.self_attn_norm(x), kept, memory.tokens)
        x = x + self._attend_to_speech(self.cross_attn_norm(x), kept, memory.is_own)
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out

    def _attend_to_tokens(self, x: Tensor, kept: LayerMemory, place: int) -> Tensor:
        keys, values = self.self_attn.keys_and_values(x[:, None])
        kept.keys[:, :, place] = keys[:, :, 0]
        kept.values[:, :, place] = values[:, :, 0]
        said = slice(place + 1)
        context = scaled_dot_product_attention(
            self.self_attn.queries(x[:, None]), kept.keys[:, :, said], kept.values[:, :, said]
        )
        out: Tensor = self.self_attn.fc(context.flatten(1))
        return out

    def _attend_to_speech(self, x: Tensor, kept: LayerMemory, is_own: Tensor) -> Tensor:
        by_span = x.unflatten(0, (len(kept.speech_keys), -1))
        context = scaled_dot_product_attention(
            self.cross_attn.queries(by_span),
            kept.speech_keys,
            kept.speech_values,
            attn_mask=is_own,
        )
        out: Tensor = self.cross_attn.fc(context.transpose(1, 2).flatten(2).flatten(0, 1))
        return out


class Attention(nn.Module):
    """Queries, keys and values by head; a bias of keys would change no weight and is not there."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self._heads = shape.heads
        self.w_qs = nn.Linear(shape.width, shape.width)
        self.w_ks = nn.Linear(shape.width, shape.width, bias=False)
        self.w_vs = nn.Linear(shape.width, shape.width)
        self.fc = nn.Linear(shape.width, shape.width)

    def queries(self, x: Tensor) -> Tensor:
        """(batch, T, width) to (batch, heads, T, width of a head)."""
        return self._by_head(self.w_qs(x))

    def keys_and_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self._by_head(self.w_ks(x)), self._by_head(self.w_vs(x))

    def _by_head(self, x: Tensor) -> Tensor:
        by_head: Tensor = x.unflatten(-1, (self._heads, -1)).transpose(1, 2)
        return by_head


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, 4 * width)
        self.w_2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.w_2(gelu(self.w_1(x)))
        return out
