"""A list of words as the layers of the bias decoder attend to it.

A layer's keys and values depend on the list alone.  FunASR hands every span of a batch a copy of
the list and projects it anew in each pass; here it is projected once a list and shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from worker.engine.device import trim_heap
from worker.engine.layers.linear import PackedLinear, PackedMatrix
from worker.engine.paraformer.hotwords.chosen_words import ChosenWords

_SCORES_AT_ONCE = 2_000_000
"""A token's scores of words in one head that are held at a time, 8 MB, several times over: tokens
are taken in pieces."""


_LONG = 500
"""Words from which on memory is given back between layers, at some milliseconds a time."""


class KeysAndValues(NamedTuple):
    """Keys and values of attention, each (..., heads, words, width / heads)."""

    keys: Tensor
    values: Tensor


class EncodedWords(Protocol):
    """Words of a list, encoded for attention by tokens of any spans; `query` (tokens, width) is a
    layer's.

    The last of the words is the sentence's start, which stands for none.
    """

    @property
    def held_bytes(self) -> int: ...

    def __len__(self) -> int:
        """The words, the sentence's start included."""
        ...

    def attend(self, layer: int, query: Tensor) -> Tensor:
        """Add up the words' values by the attention that each token pays them: (tokens, width)."""
        ...

    def attention(self, layer: int, query: Tensor) -> Tensor:
        """Give the attention of each token, summed over the heads: (tokens, words)."""
        ...

    def of(self, chosen: Tensor) -> Callable[[int], KeysAndValues]:
        """Take words of its own for each span by their indices, (spans, kept); give a layer's."""
        ...


class PlainWords:
    """Keys and values of every word as they are, for any device."""

    def __init__(self, attentions: Sequence[Any], vectors: Tensor) -> None:
        """`attentions` are the layers' modules, `vectors` (words, width) the encoded list."""
        self._words = len(vectors)
        self._layers = [
            KeysAndValues(*(_by_head(part, attention.h).contiguous() for part in both))
            for attention in attentions
            for both in [attention.linear_k_v(vectors).chunk(2, dim=-1)]
        ]

    def __len__(self) -> int:
        return self._words

    @property
    def held_bytes(self) -> int:
        return sum(part.nbytes for layer in self._layers for part in layer)

    def attend(self, layer: int, query: Tensor) -> Tensor:
        keys, values = self._layers[layer]
        asked = _by_head(query, len(keys))
        found = scaled_dot_product_attention(asked[None], keys[None], values[None])[0]
        return found.transpose(0, 1).flatten(1)

    def attention(self, layer: int, query: Tensor) -> Tensor:
        keys = self._layers[layer].keys
        asked = _by_head(query, len(keys)) * keys.shape[-1] ** -0.5
        paid: Tensor = (asked @ keys.transpose(1, 2)).softmax(dim=-1).sum(dim=0)
        return paid

    def of(self, chosen: Tensor) -> Callable[[int], KeysAndValues]:
        def of_layer(layer: int) -> KeysAndValues:
            return KeysAndValues(*(part[:, chosen].transpose(0, 1) for part in self._layers[layer]))

        return of_layer


class PackedWords:
    """Keys and values laid out for oneDNN's products with rows of tokens, for a CPU.

    That multiplies twice as fast as torch's attention does there, and a token is told the same in
    any company.  Of the layers that are never asked about the whole list nothing is held; what is
    chosen for a span is projected again, for it cannot be read out of the layout, and kept for
    spans that choose it too.
    """

    def __init__(self, attentions: Sequence[Any], vectors: Tensor, asked: int) -> None:
        """`attentions` are the layers' modules, `vectors` (words, width) the encoded list.

        The first `asked` layers are asked for the values, and the one behind them for the
        attention alone.
        """
        self._vectors = vectors
        self._heads: int = attentions[0].h
        self._scale: float = attentions[0].d_k ** -0.5
        projections = [_packed(attention.linear_k_v) for attention in attentions]
        self._chosen = ChosenWords(projections, vectors, 2 * self._heads * attentions[0].d_k)
        self._keys: list[list[PackedMatrix]] = []
        self._values: list[list[PackedMatrix]] = []
        for layer, projection in enumerate(projections[: asked + 1]):
            keys, values = projection(vectors).chunk(2, dim=-1)
            self._keys.append([PackedMatrix(part) for part in self._of_heads(keys)])
            if layer < asked:
                self._values.append([PackedMatrix(part.t()) for part in self._of_heads(values)])
            del keys, values
            if len(vectors) > _LONG:
                trim_heap()  # else twice as much is taken at the peak as is held

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def held_bytes(self) -> int:
        matrices = [matrix for layer in (*self._keys, *self._values) for matrix in layer]
        list_bytes = self._vectors.nbytes + sum(matrix.nbytes for matrix in matrices)
        return list_bytes + self._chosen.held_bytes

    def attend(self, layer: int, query: Tensor) -> Tensor:
        found = torch.empty_like(query)
        for rows in pieces(len(query), len(self)):
            heads = zip(
                self._of_heads(query[rows] * self._scale),
                self._of_heads(found[rows]),
                self._keys[layer],
                self._values[layer],
                strict=True,
            )
            for asked, told, keys, values in heads:
                told.copy_(values.product(keys.product(asked).softmax(dim=-1)))
        return found

    def attention(self, layer: int, query: Tensor) -> Tensor:
        asked = self._of_heads(query * self._scale)
        first, *others = (
            keys.product(own).softmax(dim=-1)
            for own, keys in zip(asked, self._keys[layer], strict=True)
        )
        for of_head in others:
            first += of_head
        return first

    def of(self, chosen: Tensor) -> Callable[[int], KeysAndValues]:
        rows_of = self._chosen.of(chosen)

        def of_layer(layer: int) -> KeysAndValues:
            parts = rows_of(layer).unflatten(-1, (2, self._heads, -1)).transpose(1, 3)
            return KeysAndValues(*parts.unbind(dim=2))

        return of_layer

    def _of_heads(self, x: Tensor) -> Sequence[Tensor]:
        """Take the columns of each head."""
        return x.chunk(self._heads, dim=-1)


def _by_head(x: Tensor, heads: int) -> Tensor:
    """Turn (rows, width) into (heads, rows, width / heads)."""
    by_head: Tensor = x.unflatten(-1, (heads, -1))
    return by_head.transpose(0, 1)


def _packed(linear: Any) -> PackedLinear:
    return linear if isinstance(linear, PackedLinear) else PackedLinear(linear)


def pieces(rows: int, scores: int) -> list[slice]:
    """Cut rows into those that are taken together, where each has so many scores."""
    step = max(1, _SCORES_AT_ONCE // scores)
    return [slice(begin, begin + step) for begin in range(0, rows, step)]
