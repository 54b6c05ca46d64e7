"""SenseVoice on a batch of spans, with results that do not depend on the batch.

FunASR's own modules and weights: an encoder of 70 self-attention blocks with memory, and over each
frame of 60 ms the scores of 25,055 pieces.  Before the frames of a span stand four queries (the
language, the feeling, the event, how numbers are written) whose answers are tags.  Padding is
behind a span's own frames and masked in attention and memory, so nothing of it reaches them.

Written with numerals and marks ('withitn'), and so it punctuates itself.  The other way ('woitn')
gives neither, and the punctuation network that would have to set the marks knows no Cantonese,
Japanese or Korean, and takes another 1.1 GB.  `use_itn=False` is for comparing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import linear

from shared.transcripts.values import Word
from worker.engine.device import fetched, uploaded_numbers
from worker.engine.fbank import Fbank
from worker.engine.layers.attention import use_fused_attention
from worker.engine.layers.linear import pack_linear_layers, packs_linear_layers
from worker.engine.layers.sanm_encoder import keep_residuals_in_float32
from worker.engine.loading.build import LoadedNetwork
from worker.engine.networks.fbank_network import FbankNetwork
from worker.engine.networks.pieces_to_words import words_from_pieces
from worker.engine.networks.special_tokens import is_special
from worker.engine.networks.usual_pass_cost import USUAL_PROBES
from worker.engine.precision import Precision
from worker.engine.sensevoice.ctc_alignment import heard_tokens
from worker.engine.sensevoice.rich_tags import LANGUAGES, QUERIES, language_tag
from worker.engine.sensevoice.uncalibrated_memory import (
    COST,
    NetworkShape,
    estimate_memory,
    labelled_rows,
)
from worker.memory.batch_memory_model import MemoryModel
from worker.recogniser import RecognisedSpan, RecognitionRequest

LONGEST_SPAN_S = 30.0
"""The length to which FunASR cuts speech for it: it was trained on utterances."""

_FEELING_AND_EVENT = (1, 2)
"""The queries for them among its embeddings."""


class SenseVoice(FbankNetwork):
    """Spans of samples in, words with times out. A `worker.engine.family.SpeechNetwork`."""

    languages = LANGUAGES
    accepts_hotwords = False
    longest_span_s = LONGEST_SPAN_S
    cost = COST
    probes = USUAL_PROBES
    stages: ClassVar[Mapping[str, str]] = {
        "features": "filter banks and features",
        "_encode": "encoder",
        "_label": "labels of the frames",
    }

    def __init__(
        self,
        network: LoadedNetwork,
        fbank: Fbank,
        device: torch.device,
        precision: Precision | None = None,
        *,
        use_itn: bool = True,
    ) -> None:
        super().__init__(network, fbank, device, precision)
        model = network.model
        self._encoder = model.encoder
        self._blank = model.blank_id
        self._pieces = network.token_list
        self._has_text = [not is_special(piece) for piece in self._pieces]
        self._punctuates = use_itn
        self._queries = _queries(model, use_itn=use_itn)
        tags = [self._pieces.index(language_tag(language)) for language in LANGUAGES]
        vocabulary = model.ctc.ctc_lo
        self._language_rows = vocabulary.weight[tags].clone(), vocabulary.bias[tags].clone()
        use_fused_attention(self._encoder)
        self._precision.round_weights(self._encoder)
        if self._precision.dtype is not None:
            keep_residuals_in_float32(self._encoder)
        if packs_linear_layers(device):
            pack_linear_layers(model)
        self._vocabulary = model.ctc.ctc_lo

    @property
    def punctuates(self) -> bool:
        return self._punctuates

    @property
    def shape(self) -> NetworkShape:
        return NetworkShape(
            model_dim=self._encoder.output_size(),
            vocabulary=len(self._pieces),
            feature_dim=self._stacked.feature_dim,
        )

    @property
    def memory_estimate(self) -> MemoryModel:
        """The live bytes of a batch by the architecture, until the device is measured."""
        return estimate_memory(self.shape)

    def _hear(
        self, features: Tensor, lengths: Tensor, request: RecognitionRequest
    ) -> list[RecognisedSpan]:
        """A span in which nothing is said has no language, another one that of the request or else
        the likeliest."""
        hidden = self._encode(features, lengths, request.language)
        return [
            RecognisedSpan(words, request.language or language) if words else RecognisedSpan()
            for language, words in self._label(hidden, lengths)
        ]

    def _encode(self, features: Tensor, lengths: Tensor, language: str | None) -> Tensor:
        """(batch, QUERIES + T, width); frames beyond a span's own hold anything finite."""
        queries = self._queries[language].expand(len(features), -1, -1)
        (own,) = uploaded_numbers([(lengths + QUERIES).tolist()], self._device)
        with self._precision.autocast():
            hidden, _ = self._encoder(torch.cat([queries, features], dim=1), own)
        encoded: Tensor = hidden.float()
        return encoded

    def _label(self, hidden: Tensor, lengths: Tensor) -> list[tuple[str, tuple[Word, ...]]]:
        """The likeliest language of each span, and its words."""
        frames = hidden[:, QUERIES:]
        is_own = torch.arange(frames.shape[1])[None] < lengths[:, None]
        (own,) = uploaded_numbers([is_own.flatten().nonzero()[:, 0].tolist()], self._device)
        spoken = frames.flatten(0, 1)[own]
        together = labelled_rows(len(spoken), self.shape)
        parts = [self._likeliest(rows) for rows in spoken.split(together)]
        languages = linear(hidden[:, 0], *self._language_rows).argmax(dim=-1)
        numbers, probabilities, chosen = fetched(
            torch.cat([best for best, _ in parts]),
            torch.cat([probability for _, probability in parts]),
            languages,
        )
        results = []
        position = 0
        for language, length in zip(chosen, lengths.tolist(), strict=True):
            of_span = slice(position, position + length)
            labels = [int(number) for number in numbers[of_span]]
            words = self._words(labels, probabilities[of_span])
            results.append((LANGUAGES[int(language)], words))
            position += length
        return results

    def _likeliest(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The number of the likeliest piece of each row, and its probability."""
        scores: Tensor = self._vocabulary(rows)
        best, numbers = scores.max(dim=-1)
        # Softmax of the best score alone, in the place of the scores: they are the largest tensor.
        return numbers, scores.sub_(best[:, None]).exp_().sum(dim=-1).reciprocal()

    def _words(self, labels: Sequence[int], probabilities: Sequence[float]) -> tuple[Word, ...]:
        """Make words of one span from the label of each of its frames."""
        heard = heard_tokens(labels, probabilities, self._blank)
        return words_from_pieces(
            (self._pieces[token.token], token) for token in heard if self._has_text[token.token]
        )


def _queries(model: Any, *, use_itn: bool) -> dict[str | None, Tensor]:
    """(1, QUERIES, feature_dim) to put before a span of each language; None: it is to be found."""
    written = model.textnorm_dict["withitn" if use_itn else "woitn"]
    asked: dict[str | None, int] = {name: model.lid_dict[name] for name in LANGUAGES}
    asked[None] = model.lid_dict["auto"]
    device = model.embed.weight.device
    return {
        name: model.embed(torch.tensor([[number, *_FEELING_AND_EVENT, written]], device=device))
        for name, number in asked.items()
    }
