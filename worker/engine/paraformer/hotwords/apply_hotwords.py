"""Hotwords of a request, applied to what was decoded without them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from worker.engine.device import uploaded_numbers
from worker.engine.paraformer.hotwords.bias_decoder import BiasDecoder
from worker.engine.paraformer.hotwords.bias_encoder import encode
from worker.engine.paraformer.hotwords.choice import KEPT, choose
from worker.engine.paraformer.hotwords.keys_and_values import EncodedWords
from worker.engine.paraformer.hotwords.packed_tokens import Spoken
from worker.engine.paraformer.hotwords.tokens import WordTokens

log = logging.getLogger(__name__)

_LISTS_KEPT = 2
"""Encoded lists: that of the job at work, and that of one whose batches alternate with it."""

_KEPT_BYTES = 128 << 20
"""Bytes above which only the list in use is kept.  A job's 5,000 words take 135 MB at
Paraformer-large's width: with what encoding them takes, less than the 256 MiB that no batch is
planned into (`worker.memory.batch_memory_model.Reserve`), so that model has no term for lists."""

_TOKENS_AT_ONCE = 1_024
"""Padded tokens that pass through the bias decoder together.  At Paraformer-large's width they take
60 MB, which the encoder's activations, gone by then, took too: no batch needs more memory for its
hotwords, however long the list is."""

_SHOWN = 3
"""Words of a log line."""


class Hotwords:
    """The bias encoder and decoder of a SeacoParaformer. For one thread.

    All in float32, whatever the precision of the rest: which word is meant is decided between near
    equals.  A span's words depend on its own tokens and the list alone.
    """

    def __init__(
        self, model: Any, tokens: Sequence[str], device: torch.device, dictionary: Path | None
    ) -> None:
        self._model = model
        self._decoder = BiasDecoder(model.seaco_decoder)
        self._tokens = tokens
        self._dictionary = dictionary
        self._device = device
        self._cut: WordTokens | None = None
        self._lists: OrderedDict[tuple[str, ...], EncodedWords | None] = OrderedDict()

    def encoded(self, words: tuple[str, ...]) -> EncodedWords | None:
        """The list of a request; None where no word of it can be looked for."""
        if not words:
            return None
        if words not in self._lists:
            self._make_room(len(words))
            self._lists[words] = self._encode(words)
        self._lists.move_to_end(words)
        return self._lists[words]

    def _make_room(self, words: int) -> None:
        """Forget the lists used longest ago, before another of so many words is encoded."""
        needed = self._decoder.bytes_of(words)
        held = sum(kept.held_bytes for kept in self._lists.values() if kept is not None)
        while self._lists and (len(self._lists) >= _LISTS_KEPT or held + needed > _KEPT_BYTES):
            _, forgotten = self._lists.popitem(last=False)
            held -= 0 if forgotten is None else forgotten.held_bytes

    def _encode(self, words: tuple[str, ...]) -> EncodedWords | None:
        if self._cut is None:  # a dictionary has 100,000 lines, which nobody else needs
            self._cut = WordTokens(self._tokens, self._dictionary)
        found = {word: self._cut.ids(word) for word in words}
        unknown = [word for word, ids in found.items() if ids is None]
        if unknown:
            log.warning(
                "%d of %d hotwords hold what the model cannot write and are left out: %s%s",
                len(unknown),
                len(words),
                ", ".join(unknown[:_SHOWN]),
                ", ..." if len(unknown) > _SHOWN else "",
            )
        # 'API' and 'api' are the same tokens, and count once.
        known = list(dict.fromkeys(ids for ids in found.values() if ids is not None))
        return encode(self._model, self._decoder, known, self._device) if known else None

    def apply(
        self,
        words: EncodedWords,
        embeddings: Tensor,
        states: Tensor,
        counts: Tensor,
        decoded: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Tokens of all spans, one span after the other, and their probabilities, with hotwords.

        `embeddings` and `states` (spans, tokens, width) are what the decoder read and gave, of
        which each span has `counts` (spans,), on the CPU.  `decoded` are the same two tensors
        without hotwords; where no hotword is said they stay as they are.
        """
        ids, likely = (tensor.clone() for tensor in decoded)
        begin = 0
        for some in _pieces(counts.tolist()):
            here = counts[some]
            longest, spoken = int(here.max()), int(here.sum())
            if spoken:
                read = torch.stack([embeddings[some, :longest], states[some, :longest]])
                scores = self._scores(words, read, here)
                probability, token = scores.softmax(dim=-1).max(dim=-1)
                is_hotword = token != self._model.NO_BIAS
                own = slice(begin, begin + spoken)
                ids[own] = torch.where(is_hotword, token, ids[own])
                likely[own] = torch.where(is_hotword, probability, likely[own])
            begin += spoken
        return ids, likely

    def _scores(self, words: EncodedWords, read: Tensor, counts: Tensor) -> Tensor:
        """(tokens of all spans, vocabulary) of `read` (2, spans, tokens, width)."""
        is_token = torch.arange(read.shape[2])[None] < counts[:, None]
        places = uploaded_numbers([is_token.flatten().nonzero()[:, 0].tolist()], self._device)[0]
        said = [count for count in counts.tolist() if count]
        spoken = Spoken.of(said, self._decoder.reach, self._device)
        begun = self._decoder.begin(read.flatten(1, 2).index_select(1, places), spoken)
        if len(words) > KEPT:
            chosen = choose(self._decoder.weigh(begun, spoken, words))
            both = self._decoder.decode_chosen(begun, spoken, words, chosen)
        else:
            both = self._decoder.decode(begun, spoken, words)
        scores: Tensor = self._model.hotword_output_layer(both.sum(dim=0))
        return scores


def _pieces(counts: Sequence[int]) -> Iterator[slice]:
    """Neighbouring spans together, as many as have so many padded tokens; one span at least."""
    first, longest = 0, 0
    for index, count in enumerate(counts):
        longest_with = max(longest, count)
        if index > first and (index + 1 - first) * longest_with > _TOKENS_AT_ONCE:
            yield slice(first, index)
            first, longest_with = index, count
        longest = longest_with
    if first < len(counts):
        yield slice(first, len(counts))
