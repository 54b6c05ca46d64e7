"""Paraformer on a batch of spans, with results that do not depend on the batch.

FunASR's own modules and weights; only the steps between them are ours.  Three places let padding
into the results there, and are closed here: the CIF convolution reads past the end of a shorter
span (masked before it), the BLSTM of the timestamp head runs backwards out of the padding (started
at the last frame, see `blstm`), and sums are taken over the padded length (double precision).  So
text and times equal FunASR's at batch size 1, in any company.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from shared.transcripts.values import Word
from worker.engine.device import Arriving, fetched, uploaded_numbers
from worker.engine.fbank import Fbank
from worker.engine.layers.attention import use_fused_attention
from worker.engine.layers.linear import (
    pack_linear_layers,
    packs_linear_layers,
    worth_packing,
)
from worker.engine.layers.packed_sequences import SpanRows
from worker.engine.layers.positions import Positions
from worker.engine.layers.sanm_layers import (
    RowMask,
    add_inputs_within_memory,
    leave_training_out,
    reach,
    saves_launches,
)
from worker.engine.loading.build import LoadedNetwork
from worker.engine.networks.fbank_network import FbankNetwork
from worker.engine.networks.usual_pass_cost import USUAL_PROBES
from worker.engine.paraformer.blstm import bidirectional
from worker.engine.paraformer.cif import frame_weights, integrate_and_fire, token_counts
from worker.engine.paraformer.hotwords.apply_hotwords import Hotwords
from worker.engine.paraformer.hotwords.keys_and_values import EncodedWords
from worker.engine.paraformer.rounding import round_weights
from worker.engine.paraformer.timestamps import token_times
from worker.engine.paraformer.tokens_to_words import words_from_tokens
from worker.engine.paraformer.uncalibrated_memory import NetworkShape, estimate_memory
from worker.engine.paraformer.usual_pass_cost import COST
from worker.engine.precision import Precision
from worker.memory.batch_memory_model import MemoryModel
from worker.recogniser import RecognisedSpan, RecognitionRequest

LANGUAGE = "zh"
"""Language that Paraformer recognises; English terms within it included."""


class Paraformer(FbankNetwork):
    """Spans of samples in, words with times out. A `worker.engine.family.SpeechNetwork`.

    `dictionary` is the file by which hotwords are cut into tokens, where the folder has one.
    """

    languages = (LANGUAGE,)
    punctuates = False
    longest_span_s = math.inf
    cost = COST
    probes = USUAL_PROBES
    stages: ClassVar[Mapping[str, str]] = {
        "features": "filter banks and features",
        "_encode": "encoder",
        "_token_weights": "predictor",
        "_decoder_states": "decoder",
        "_choose": "vocabulary",
        "_time_weights": "timestamps",
    }

    def __init__(
        self,
        network: LoadedNetwork,
        fbank: Fbank,
        device: torch.device,
        precision: Precision | None = None,
        dictionary: Path | None = None,
    ) -> None:
        super().__init__(network, fbank, device, precision)
        self._model = network.model
        self._tokens = network.token_list
        self._silent_ids = {self._model.sos, self._model.eos, self._model.blank_id}
        self._positions = Positions(self._model.encoder.embed, self._stacked.feature_dim)
        self._prepare_layers()
        if packs_linear_layers(device):
            pack_linear_layers(self._model, from_weights=worth_packing())
        self._blstm = bidirectional(self._model.predictor.blstm, device)
        self._hotwords = (
            Hotwords(self._model, self._tokens, device, dictionary)
            if hasattr(self._model, "seaco_decoder")
            else None
        )

    def _prepare_layers(self) -> None:
        """Make encoder and decoder ready to run."""
        encoder, decoder = self._model.encoder, self._model.decoder
        use_fused_attention(self._model)
        leave_training_out(encoder, decoder)
        self._reach = reach(encoder, decoder)
        round_weights(self._model, self._precision)
        if saves_launches(self._device):
            add_inputs_within_memory(encoder, decoder)

    @property
    def accepts_hotwords(self) -> bool:
        return self._hotwords is not None

    @property
    def shape(self) -> NetworkShape:
        return NetworkShape(
            model_dim=self._model.encoder.output_size(),
            vocabulary=len(self._tokens),
            feature_dim=self._stacked.feature_dim,
        )

    @property
    def memory_estimate(self) -> MemoryModel:
        """The live bytes of a batch by the architecture, until the device is measured."""
        return estimate_memory(self.shape)

    def _hear(
        self, features: Tensor, lengths: Tensor, request: RecognitionRequest
    ) -> list[RecognisedSpan]:
        known = None if self._hotwords is None else self._hotwords.encoded(request.hotwords)
        heard = self._forward(features, lengths, known)
        return [RecognisedSpan(words, LANGUAGE if words else None) for words in heard]

    def _forward(
        self, features: Tensor, lengths: Tensor, hotwords: EncodedWords | None = None
    ) -> list[tuple[Word, ...]]:
        """Waits for the device at the end; in between only for the number of tokens, with the
        timestamps queued behind it, so that the device goes on meanwhile."""
        on_device = uploaded_numbers([lengths.tolist()], self._device)[0]
        mask = torch.arange(features.shape[1], device=self._device)[None] < on_device[:, None]
        frames = RowMask.attended(mask, self._precision.dtype or torch.float32)
        hidden = self._encode(features, frames) * frames.rows
        cumulative = self._token_weights(hidden, mask, on_device).cumsum(dim=1)
        tokens = token_counts(cumulative)
        arriving = Arriving(tokens)
        weights = self._time_weights(hidden, lengths)
        counts = arriving.wait()
        most = int(counts.max())
        if most == 0:  # nothing is said in any of them; the decoder cannot run on no tokens
            return [()] * len(features)
        embeddings = self._embeddings(hidden, cumulative, lengths, counts)
        is_token = RowMask(torch.arange(most, device=self._device)[:, None] < tokens[:, None, None])
        states = self._decoder_states(hidden, frames, embeddings, is_token)
        decoded, likely = self._choose(states, embeddings, counts, hotwords)
        ids, probabilities, times = fetched(decoded, likely, weights)
        width = weights.shape[1]
        results = []
        position = 0
        upsampled = (lengths * self._model.predictor.upsample_times).tolist()
        for row, (length, count) in enumerate(zip(upsampled, counts.tolist(), strict=True)):
            own = slice(position, position + count)
            weights_of_row = times[row * width : row * width + length]
            results.append(self._words(ids[own], probabilities[own], weights_of_row))
            position += count
        return results

    def _encode(self, features: Tensor, frames: RowMask) -> Tensor:
        """(batch, T, width); frames beyond a span's length hold anything finite."""
        encoder = self._model.encoder
        x = features * encoder.output_size() ** 0.5
        laid = self._laid_out(frames)
        x = laid.taken(x + self._positions.of(x))
        with self._precision.autocast():
            for layer in (*encoder.encoders0, *encoder.encoders):
                x = layer(x, laid)
            encoded: Tensor = encoder.after_norm(x)
        return laid.side_by_side(encoded.float())

    def _laid_out(self, mask: RowMask) -> RowMask | SpanRows:
        """Lay out spans of different lengths as layers read them: on a CPU one after another."""
        return mask if saves_launches(self._device) else SpanRows.of(mask.rows, self._reach)

    def _token_weights(self, hidden: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """(batch, T + 1) in double precision: how much of a token each frame holds.

        One frame more than the span has lets its last token fire (tail_threshold).
        """
        predictor = self._model.predictor
        if saves_launches(self._device):
            convolved = predictor.cif_conv1d(predictor.pad(hidden.transpose(1, 2)))
            weights = predictor.cif_output(convolved.relu().transpose(1, 2))[..., 0]
        else:
            laid = SpanRows(tuple(lengths.tolist()), max(predictor.pad.padding))
            line = laid.in_line(laid.taken(hidden))
            weights = laid.side_by_side(laid.out_of_line(frame_weights(predictor, line)))[..., 0]
        weights = torch.sigmoid(weights.double())
        weights = _smoothed(weights, predictor.smooth_factor, predictor.noise_threshold)
        weights = torch.nn.functional.pad(weights * mask, (0, 1))
        return weights.scatter_(1, lengths[:, None], predictor.tail_threshold)

    def _embeddings(
        self, hidden: Tensor, cumulative: Tensor, lengths: Tensor, counts: Tensor
    ) -> Tensor:
        """(batch, tokens, width) from the running sums of the weights; `lengths` and `counts` of
        each span are on the CPU."""
        most = int(counts.max())
        if saves_launches(self._device):
            return integrate_and_fire(hidden, cumulative, most)
        embeddings = hidden.new_zeros(len(hidden), most, hidden.shape[2])
        for row, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
            own, sums = hidden[row, None, :length], cumulative[row, None, :length]
            embeddings[row, :count] = integrate_and_fire(own, sums, count)[0]
        return embeddings

    def _decoder_states(
        self, hidden: Tensor, frames: RowMask, embeddings: Tensor, tokens: RowMask
    ) -> Tensor:
        """(batch, tokens, width) of the embeddings, before the vocabulary; beyond a span's own
        anything finite."""
        decoder = self._model.decoder
        laid, attended = self._laid_out(tokens), self._laid_out(frames)
        x, hidden = laid.taken(embeddings), attended.taken(hidden)
        with self._precision.autocast():
            for layer in (*decoder.decoders, *(decoder.decoders2 or ()), *decoder.decoders3):
                x = layer(x, laid, hidden, attended)
            decoded: Tensor = decoder.after_norm(x)
        return laid.side_by_side(decoded)

    def _choose(
        self,
        states: Tensor,
        embeddings: Tensor,
        counts: Tensor,
        hotwords: EncodedWords | None,
    ) -> tuple[Tensor, Tensor]:
        """Token ids of all spans, one span after the other, and the probability of each.

        Rows of padding never reach the output layer, whose vocabulary makes it the widest.
        """
        decoder = self._model.decoder
        most = states.shape[1]
        is_token = torch.arange(most)[None] < counts[:, None]
        tokens = uploaded_numbers([is_token.flatten().nonzero()[:, 0].tolist()], self._device)[0]
        spoken = states.flatten(0, 1)[tokens].float()
        scores: Tensor = decoder.output_layer(spoken)
        best, ids = scores.max(dim=-1)
        # Softmax of the best score alone, in the place of the scores: they are the largest tensor.
        decoded = ids, scores.sub_(best[:, None]).exp_().sum(dim=-1).reciprocal()
        if hotwords is None or self._hotwords is None:
            return decoded
        del spoken, scores  # the hotwords have such tensors of their own
        return self._hotwords.apply(hotwords, embeddings, states.float(), counts, decoded)

    def _time_weights(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """(batch, T * upsample_times) in double precision: where tokens begin, every 20 ms; beyond
        a span's own anything finite."""
        predictor = self._model.predictor
        times = predictor.upsample_times
        states = self._blstm(self._upsampled(hidden, lengths), lengths * times)
        weights = torch.sigmoid(predictor.cif_output2(states))[..., 0]
        return _smoothed(weights, predictor.smooth_factor2, predictor.noise_threshold2).double()

    def _upsampled(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """(batch, T * upsample_times, width), each frame turned into so many by itself."""
        predictor = self._model.predictor
        if saves_launches(self._device):
            upsampled: Tensor = predictor.upsample_cnn(hidden.transpose(1, 2))
            return upsampled.transpose(1, 2)
        spoken = SpanRows(tuple(lengths.tolist()), 0).taken(hidden)
        upsampled = predictor.upsample_cnn(spoken.transpose(1, 2))
        longer = SpanRows(tuple((lengths * predictor.upsample_times).tolist()), 0)
        return longer.side_by_side(upsampled.transpose(1, 2))

    def _words(
        self, ids: Sequence[float], probabilities: Sequence[float], weights: Sequence[float]
    ) -> tuple[Word, ...]:
        """Make words of one span from its tokens' ids and probabilities, and its weights for the
        times."""
        spoken = [
            (self._tokens[int(token)], probability)
            for token, probability in zip(ids, probabilities, strict=True)
            if token not in self._silent_ids
        ]
        times = token_times(weights, len(spoken), fires=len(ids))
        tokens, likely = [token for token, _ in spoken], [probability for _, probability in spoken]
        return words_from_tokens(tokens, times, likely)


def _smoothed(weights: Tensor, factor: float, threshold: float) -> Tensor:
    """Weights from 0 to 1 as FunASR's predictors scale them and cut off the smallest."""
    if factor == 1.0 and threshold == 0.0:
        return weights
    return torch.relu(weights * factor - threshold)
