"""CT-Transformer: the mark after each word of a whole recording.

The text is read 20 tokens at a time; what follows the last finished sentence is read again with the
next 20, as FunASR does, so marks are decided with their right-hand context.  Where FunASR lets a
text without any mark grow without bound, and with it the cost of every step, the context is bounded
here.  Several places are read at once, with the outcome of reading from the front: see
`parallel_reading`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from worker.engine.device import allocator, within_memory
from worker.engine.layers.attention import use_fused_attention
from worker.engine.layers.linear import pack_linear_layers, packs_linear_layers
from worker.engine.loading.build import LoadedNetwork
from worker.engine.punctuation.memory_model import MeasuredPasses, PassMemory
from worker.engine.punctuation.parallel_reading import Span, read
from worker.recogniser import MemoryProbe

COMMA_AFTER_TOKENS = 200
"""A sentence this long ends at its last comma."""
LONGEST_CONTEXT_TOKENS = 400
"""A text this long without a mark is let go, all but its last `KEPT_TOKENS`."""
KEPT_TOKENS = 100

SENTENCE_ENDS = ("。", "？")
FULL_STOP = "。"
ASCII_MARKS = {"，": ",", "。": ".", "？": "?"}
"""Marks after an English word."""

_ENGLISH = re.compile(r"^[a-zA-Z']+$")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    word: int
    """Index of the word in which this token ends."""
    ends_word: bool = True
    """False for one that ends within it: its mark belongs nowhere."""


class Punctuator:
    """`memory` is what the places read at once have to fit into; without it they are not bound."""

    def __init__(
        self, network: LoadedNetwork, device: torch.device, memory: MemoryProbe | None = None
    ) -> None:
        self._model = network.model
        self._device = device
        needs = None if memory is None else _pass_memory(network.model, device)
        self._passes = MeasuredPasses(needs, memory)
        use_fused_attention(self._model)
        if packs_linear_layers(device):
            pack_linear_layers(self._model)
        self._ids = {token: index for index, token in enumerate(network.token_list)}
        self._unknown = self._ids.get("<unk>", len(self._ids) - 1)
        self._marks: list[str] = list(self._model.punc_list)
        self._end = int(self._model.sentence_end_id)

    def punctuate(self, words: Sequence[str]) -> list[str]:
        """The mark after each word, '' for none; the last one ends a sentence."""
        tokens = self._tokens(words)
        marks = [""] * len(words)
        if not tokens:
            return marks
        for token, index in zip(
            tokens, self._decide([token.text for token in tokens]), strict=True
        ):
            mark = self._marks[index]
            if token.ends_word:
                marks[token.word] = "" if mark in ("_", "<unk>") else mark
        last = tokens[-1].word
        if marks[last] not in SENTENCE_ENDS:
            marks[last] = FULL_STOP
        return [
            ASCII_MARKS.get(mark, mark) if word[-1:].isascii() else mark
            for word, mark in zip(words, marks, strict=True)
        ]

    def _decide(self, tokens: Sequence[str]) -> list[int]:
        """Index into the model's marks for each token."""
        ids = torch.tensor([self._ids.get(token, self._unknown) for token in tokens])
        return read(len(ids), lambda spans: self._look(ids, spans), self._settle)

    def _settle(self, marks: list[int]) -> int:
        """Number of first marks that are final; may end a long sentence at a comma."""
        for i in range(len(marks) - 2, 1, -1):
            if self._marks[marks[i]] in SENTENCE_ENDS:
                return i + 1
        if len(marks) > COMMA_AFTER_TOKENS:
            for i in range(len(marks) - 2, 1, -1):
                if self._marks[marks[i]] == "，":
                    marks[i] = self._end
                    return i + 1
        if len(marks) > LONGEST_CONTEXT_TOKENS:
            return len(marks) - KEPT_TOKENS
        return 0

    def _look(self, ids: Tensor, spans: Sequence[Span]) -> list[list[int]]:
        """The marks of each span, from as few passes as the memory allows."""
        return self._passes.over(
            spans, lambda some: within_memory(self._device, lambda: self._look_once(ids, some))
        )

    @torch.inference_mode()
    def _look_once(self, ids: Tensor, spans: Sequence[Span]) -> list[list[int]]:
        texts = pad_sequence([ids[first:last] for first, last in spans], batch_first=True)
        # On the CPU, where FunASR makes its mask of them.
        lengths = torch.tensor([last - first for first, last in spans])
        scores, _ = self._model.punc_forward(texts.to(self._device), lengths)
        marks = scores.argmax(dim=-1).tolist()
        return [row[:length] for row, length in zip(marks, lengths.tolist(), strict=True)]

    def _tokens(self, words: Sequence[str]) -> list[_Token]:
        """English by the word, Chinese by the character, or by jieba's words where the model
        brings a dictionary for it."""
        if self._model.jieba_usr_dict is None:
            return [
                _Token(piece, index)
                for index, word in enumerate(words)
                for piece in re.findall(r"[!-~]+|[^\x00-\x7f]", word)
            ]
        tokens: list[_Token] = []
        for english, run in groupby(enumerate(words), lambda item: bool(_ENGLISH.match(item[1]))):
            indexed = list(run)
            if english:
                tokens += [_Token(word, index) for index, word in indexed]
                continue
            owners = [index for index, word in indexed for _ in word]
            ends = set(accumulate(len(word) for _, word in indexed))
            end = 0
            for piece in self._model.jieba_usr_dict.cut("".join(w for _, w in indexed), HMM=False):
                end += len(piece)
                tokens.append(_Token(piece, owners[end - 1], end in ends))
        return tokens


def _pass_memory(model: Any, device: torch.device) -> PassMemory:
    layers = [*model.encoder.encoders0, *model.encoder.encoders]
    return PassMemory.from_architecture(
        width=int(model.embed.embedding_dim),
        linear=max(int(layer.feed_forward.w_1.out_features) for layer in layers),
        allocator=allocator(device),
    )
