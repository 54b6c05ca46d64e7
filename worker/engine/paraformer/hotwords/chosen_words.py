"""Keys and values of the words that spans were decoded with, kept for those that follow.

What is chosen for one span is mostly chosen for others of the recording too.  A word's are the same
to the last bit whichever others are projected with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from worker.engine.layers.linear import PackedLinear
from worker.engine.paraformer.hotwords.choice import KEPT

MOST_KEPT = 500
"""Words kept: 12 MB at Paraformer-large's width and six layers, where the list takes 74 for
3,000."""


def words_kept(words: int) -> int:
    """Words that are kept of a list of so many: none where every span is decoded with all."""
    return min(MOST_KEPT, words) if words > KEPT else 0


class ChosenWords:
    """Keys and values, side by side, of a list's words in every layer, on a CPU."""

    def __init__(self, projections: Sequence[PackedLinear], vectors: Tensor, outputs: int) -> None:
        """`vectors` (words, width) are the encoded list, of each of which a layer's projection
        makes so many numbers."""
        self._projections = projections
        self._vectors = vectors
        self._places = torch.full((len(vectors),), -1)
        self._used = 0
        # The system gives none of it before it is written to.
        shape = words_kept(len(vectors)), outputs
        self._kept = [vectors.new_empty(shape) for _ in projections]

    @property
    def held_bytes(self) -> int:
        """Bytes, once as many words as are kept were chosen."""
        return sum(kept.nbytes for kept in self._kept)

    def of(self, chosen: Tensor) -> Callable[[int], Tensor]:
        """Give those of a layer, (..., outputs), for words by their indices, (...)."""
        once = chosen.unique()
        if len(once) > len(self._kept[0]):
            vectors, places = self._vectors[once], torch.searchsorted(once, chosen)
            return lambda layer: self._projections[layer](vectors)[places]
        missing = once[self._places[once] < 0]
        if self._used + len(missing) > len(self._kept[0]):
            self._places.fill_(-1)
            self._used, missing = 0, once
        if len(missing):
            self._keep(missing)
        places = self._places[chosen]
        return lambda layer: self._kept[layer][places]

    def _keep(self, words: Tensor) -> None:
        begin, end = self._used, self._used + len(words)
        vectors = self._vectors[words]
        for projection, kept in zip(self._projections, self._kept, strict=True):
            kept[begin:end] = projection(vectors)
        self._places[words] = torch.arange(begin, end)
        self._used = end
