"""Encode a list of hotwords: a vector for each, and what each layer of the decoder makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from worker.engine.paraformer.hotwords.bias_decoder import BiasDecoder
from worker.engine.paraformer.hotwords.keys_and_values import EncodedWords
from worker.engine.paraformer.hotwords.tokens import TokenIds

_TOGETHER = 256
"""Words encoded at once, however many there are: 17 MB of gates at Paraformer-large's width for
words of four tokens."""


def encode(
    model: Any, decoder: BiasDecoder, words: Sequence[TokenIds], device: torch.device
) -> EncodedWords:
    """`model` is a SeacoParaformer, `decoder` its bias decoder."""
    entries = [*words, (model.sos,)]
    vectors = torch.cat(
        [
            _vectors(model, entries[first : first + _TOGETHER], device)
            for first in range(0, len(entries), _TOGETHER)
        ]
    )
    return decoder.listed(vectors)


def _vectors(model: Any, words: Sequence[TokenIds], device: torch.device) -> Tensor:
    """(words, width): the state of the LSTM after the last token of each."""
    lengths = torch.tensor([len(word) for word in words])
    ids = pad_sequence([torch.tensor(word) for word in words], batch_first=True).to(device)
    packed = pack_padded_sequence(
        model.decoder.embed(ids), lengths, batch_first=True, enforce_sorted=False
    )
    states, _ = pad_packed_sequence(model.bias_encoder(packed)[0], batch_first=True)
    if model.lstm_proj is not None:  # of a bidirectional one
        states = model.lstm_proj(states)
    last: Tensor = states[torch.arange(len(words), device=device), (lengths - 1).to(device)]
    return last
