"""FireRedASR2-AED on a batch of spans: a Conformer encoder, and a decoder that writes a token after
the other.

Its words are the best of three hypotheses; their times come from the encoder's CTC output, which
says nothing of the text.  Padding is masked, every span has its own cap on tokens, and its
hypotheses compete with each other alone: neighbours cannot change what is written but by the
rounding of matrix products of other shapes, where two hypotheses are as good as equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from shared.transcripts.values import Word
from worker.engine.device import uploaded_numbers
from worker.engine.fbank import Fbank, povey
from worker.engine.firered.beam_search import BeamOptions, Hypothesis, Marks, beam_search
from worker.engine.firered.conformer import encoded_frames, own_frames
from worker.engine.firered.ctc_alignment import Milliseconds, align
from worker.engine.firered.repetition import without_loops
from worker.engine.firered.uncalibrated_memory import (
    COST,
    NetworkShape,
    estimate_memory,
    most_tokens,
)
from worker.engine.layers.linear import pack_linear_layers, packs_linear_layers
from worker.engine.loading.build import LoadedNetwork
from worker.engine.networks.fbank_network import FbankNetwork
from worker.engine.networks.heard_token import HeardToken
from worker.engine.networks.pieces_to_words import SPACE, words_from_pieces
from worker.engine.networks.special_tokens import SPACED, is_special
from worker.engine.networks.usual_pass_cost import USUAL_PROBES
from worker.engine.precision import Precision
from worker.memory.batch_memory_model import MemoryModel
from worker.recogniser import RecognisedSpan, RecognitionRequest

LANGUAGES = ("zh", "en")
"""Mandarin and more than twenty of China's dialects, Cantonese among them, all in characters; and
English."""

LONGEST_SPAN_S = 60.0
"""Seconds of a span beyond which it invents text, as its authors say."""

BLANK = 0
"""CTC's token."""


class FireRed(FbankNetwork):
    """Spans of samples in, words with times out. A `worker.engine.family.SpeechNetwork`.

    `marks`: its tokens that begin and end a text.
    """

    languages = LANGUAGES
    accepts_hotwords = False
    punctuates = False
    longest_span_s = LONGEST_SPAN_S
    cost = COST
    probes = USUAL_PROBES
    stages: ClassVar[Mapping[str, str]] = {
        "features": "filter banks and features",
        "_encode": "encoder",
        "_decode": "decoder",
        "_align": "times",
    }

    def __init__(
        self,
        network: LoadedNetwork,
        device: torch.device,
        precision: Precision | None = None,
        *,
        marks: Marks,
        options: BeamOptions | None = None,
    ) -> None:
        super().__init__(network, Fbank(device, povey()), device, precision)
        model: Any = network.model
        self._encoder, self._decoder, self._ctc = model.encoder, model.decoder, model.ctc.ctc_lo
        self._pieces = [_spelling(token) for token in network.token_list]
        self._marks = marks
        self._options = options or BeamOptions()
        self._precision.round_weights(self._encoder)
        if packs_linear_layers(device):
            pack_linear_layers(self._encoder)
            pack_linear_layers(self._decoder)

    @property
    def shape(self) -> NetworkShape:
        decoder = self._decoder.shape
        return NetworkShape(
            width=decoder.width,
            decoder_blocks=decoder.blocks,
            vocabulary=decoder.vocabulary,
            beams=self._options.beams,
            feature_dim=self._stacked.feature_dim,
        )

    @property
    def memory_estimate(self) -> MemoryModel:
        """The live bytes of a batch by the architecture, until the device is measured."""
        return estimate_memory(self.shape)

    def _hear(
        self, features: Tensor, lengths: Tensor, request: RecognitionRequest
    ) -> list[RecognisedSpan]:
        """The language of a span is that of the request, or else the one whose script it is
        written in."""
        frames = encoded_frames(lengths).tolist()
        encoded = self._encode(features, lengths)
        best = self._decode(encoded, frames)
        kept = [self._kept(hypothesis) for hypothesis in best]
        tokens = [
            [hypothesis.tokens[place] for place in places]
            for hypothesis, places in zip(best, kept, strict=True)
        ]
        times = self._align(encoded, tokens, frames)
        results = []
        for hypothesis, places, said, of_span in zip(best, kept, tokens, times, strict=True):
            probabilities = [hypothesis.probabilities[place] for place in places]
            words = self._words(said, probabilities, of_span)
            loops = len(places) < sum(token != BLANK for token in hypothesis.tokens)
            results.append(
                RecognisedSpan(
                    words,
                    (request.language or _language(words)) if words else None,
                    was_cut=loops or not hypothesis.is_ended,
                )
            )
        return results

    def _encode(self, features: Tensor, lengths: Tensor) -> Tensor:
        """(spans, T, width); frames beyond a span's own hold anything finite."""
        (own,) = uploaded_numbers([lengths.tolist()], self._device)
        with self._precision.autocast():
            encoded: Tensor = self._encoder(features, own).float()
        return encoded

    def _decode(self, encoded: Tensor, frames: Sequence[int]) -> list[Hypothesis]:
        """Search the tokens of each span, in float32: the choice of one token decides all that
        follow."""
        caps = [most_tokens(count) for count in frames]
        (own,) = uploaded_numbers([frames], self._device)
        is_own = own_frames(encoded.shape[1], own)
        memory = self._decoder.begin(encoded, is_own, self._options.beams, max(caps))
        return beam_search(self._decoder, memory, caps, self._marks, self._options)

    def _kept(self, hypothesis: Hypothesis) -> list[int]:
        """The places of its tokens that are aligned and written: no blanks, no loops."""
        heard = [place for place, token in enumerate(hypothesis.tokens) if token != BLANK]
        return [heard[i] for i in without_loops([hypothesis.tokens[place] for place in heard])]

    def _align(
        self, encoded: Tensor, tokens: Sequence[Sequence[int]], frames: Sequence[int]
    ) -> list[list[Milliseconds]]:
        """Times of each token. Of CTC's output layer only the rows of these tokens are multiplied,
        span by span."""
        blank = encoded @ self._ctc.weight[BLANK] + self._ctc.bias[BLANK]
        scores = [
            of_span @ self._ctc.weight[list(said)].mT + self._ctc.bias[list(said)]
            for of_span, said in zip(encoded, tokens, strict=True)
        ]
        columns = pad_sequence([each.mT for each in scores], batch_first=True).mT
        both = torch.cat([columns, blank[..., None]], dim=-1).cpu().numpy()
        return align(tokens, both[..., :-1], both[..., -1].astype(np.float32), frames)

    def _words(
        self,
        tokens: Sequence[int],
        probabilities: Sequence[float],
        times: Sequence[Milliseconds],
    ) -> tuple[Word, ...]:
        return words_from_pieces(
            (self._pieces[token], HeardToken(token, start, end, probability))
            for token, probability, (start, end) in zip(tokens, probabilities, times, strict=True)
            if self._pieces[token]
        )


def _spelling(token: str) -> str:
    """Text of a token: empty for '<unk>', '<sil>' and the like, English in lower case.

    >>> _spelling("\u2581GATE"), _spelling("<sil>"), _spelling("<space>")
    ('\u2581gate', '', '\u2581')
    """
    if token == SPACED:
        return SPACE
    return "" if is_special(token) else token.lower()


def _language(words: Sequence[Word]) -> str:
    is_chinese = any(not character.isascii() for word in words for character in word.word)
    return LANGUAGES[0] if is_chinese else LANGUAGES[1]
