"""Paraformer on a batch of spans, with results that do not depend on the batch.

FunASR's own modules and weights; only the steps between them are ours.  Three places let padding
into the results there, and are closed here: the CIF convolution reads past the end of a shorter
span (masked before it), the BLSTM of the timestamp head runs backwards out of the padding (packed),
and sums are taken over the padded length (double precision).  So text and times equal FunASR's at
batch size 1, in any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from shared.transcript import Word
from worker.engine.attention import use_fused_attention
from worker.engine.cif import integrate_and_fire, token_counts
from worker.engine.fbank import Fbank, stack_frames
from worker.engine.text import words_from_tokens
from worker.engine.timestamps import token_times
from worker.memory import NetworkShape
from worker.recogniser import Pcm


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A network as FunASR built it, and what belongs to it."""

    model: Any
    cmvn: Tensor | None
    """(2, features): what to add to a stacked frame, then what to multiply it by."""
    frame_width: int
    """Filter-bank frames stacked into one (lfr_m)."""
    frame_step: int
    """Filter-bank frames from one stacked frame to the next (lfr_n)."""
    token_list: Sequence[str]


class Paraformer:
    """Spans of samples in, words with times out."""

    def __init__(self, network: LoadedNetwork, fbank: Fbank, device: torch.device) -> None:
        assert network.cmvn is not None
        self._model = network.model
        self._tokens = network.token_list
        self._frame_width = network.frame_width
        self._frame_step = network.frame_step
        self._shift, self._scale = network.cmvn.to(device)
        self._fbank = fbank
        self._device = device
        self._silent_ids = {self._model.sos, self._model.eos, self._model.blank_id}
        use_fused_attention(self._model)

    @property
    def shape(self) -> NetworkShape:
        return NetworkShape(
            model_dim=self._model.encoder.output_size(),
            vocabulary=len(self._tokens),
            feature_dim=len(self._shift),
        )

    def features(self, pcm: Pcm) -> Tensor:
        """(frames, feature_dim) on the device; no frame for less than 25 ms."""
        banks = self._fbank(pcm)
        if not len(banks):
            return banks.new_zeros(0, len(self._shift))
        stacked = stack_frames(banks, self._frame_width, self._frame_step)
        normalised: Tensor = (stacked + self._shift) * self._scale
        return normalised

    @torch.inference_mode()
    def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
        """One forward pass over all spans; a result for each, in order."""
        features = [self.features(pcm) for pcm in speech]
        audible = [i for i, frames in enumerate(features) if len(frames)]
        results: list[tuple[Word, ...]] = [()] * len(features)
        if audible:
            batch = self._forward([features[i] for i in audible])
            for i, words in zip(audible, batch, strict=True):
                results[i] = words
        return results

    def _forward(self, features: Sequence[Tensor]) -> list[tuple[Word, ...]]:
        lengths = torch.tensor([len(frames) for frames in features])
        hidden = self._encode(features, lengths)
        mask = torch.arange(hidden.shape[1])[None] < lengths[:, None]
        mask = mask.to(self._device)
        hidden = hidden * mask[..., None]
        cumulative = self._token_weights(hidden, mask, lengths).cumsum(dim=1)
        counts = token_counts(cumulative)
        most = int(counts.max())
        if most == 0:  # nothing is said in any of them; the decoder cannot run on no tokens
            return [()] * len(features)
        padded = torch.nn.functional.pad(hidden, (0, 0, 0, 1))
        embeddings = integrate_and_fire(padded, cumulative, most)
        ids = self._decode(hidden, lengths, embeddings, counts)
        weights = self._time_weights(hidden, mask, lengths)
        upsampled = (lengths * self._model.predictor.upsample_times).tolist()
        spoken = counts.tolist()
        rows = weights.tolist()
        results = []
        position = 0
        for row, length, count in zip(rows, upsampled, spoken, strict=True):
            results.append(self._words(ids[position : position + count], row[:length], fires=count))
            position += count
        return results

    def _encode(self, features: Sequence[Tensor], lengths: Tensor) -> Tensor:
        """(batch, T, width); frames beyond a span's length hold anything finite."""
        padded = pad_sequence(list(features), batch_first=True)
        hidden: Tensor
        hidden, _ = self._model.encode(padded, lengths.to(self._device))
        return hidden

    def _token_weights(self, hidden: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """(batch, T + 1) in double precision: how much of a token each frame holds.

        One frame more than the span has lets its last token fire (tail_threshold).
        """
        predictor = self._model.predictor
        convolved = predictor.cif_conv1d(predictor.pad(hidden.transpose(1, 2)))
        weights = torch.sigmoid(predictor.cif_output(convolved.relu().transpose(1, 2)))[..., 0]
        weights = torch.relu(weights * predictor.smooth_factor - predictor.noise_threshold)
        weights = torch.nn.functional.pad(weights * mask, (0, 1)).double()
        rows = torch.arange(len(lengths), device=self._device)
        weights[rows, lengths.to(self._device)] = predictor.tail_threshold
        return weights

    def _decode(
        self, hidden: Tensor, lengths: Tensor, embeddings: Tensor, counts: Tensor
    ) -> list[int]:
        """Token ids of all spans, one span after the other.

        Rows of padding never reach the output layer, whose vocabulary makes it the widest.
        """
        decoder = self._model.decoder
        states, _ = decoder(
            hidden, lengths.to(self._device), embeddings, counts, return_hidden=True
        )
        is_token = torch.arange(embeddings.shape[1], device=self._device)[None] < counts[:, None]
        ids: list[int] = decoder.output_layer(states[is_token]).argmax(dim=-1).tolist()
        return ids

    def _time_weights(self, hidden: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """(batch, T * upsample_times) in double precision: where tokens begin, every 20 ms."""
        predictor = self._model.predictor
        times = predictor.upsample_times
        upsampled = predictor.upsample_cnn(hidden.transpose(1, 2)).transpose(1, 2)
        packed = pack_padded_sequence(
            upsampled, lengths * times, batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(
            predictor.blstm(packed)[0], batch_first=True, total_length=upsampled.shape[1]
        )
        weights = torch.sigmoid(predictor.cif_output2(states))[..., 0]
        weights = torch.relu(weights * predictor.smooth_factor2 - predictor.noise_threshold2)
        return (weights * mask.repeat_interleave(times, dim=1)).double()

    def _words(self, ids: Sequence[int], weights: Sequence[float], fires: int) -> tuple[Word, ...]:
        tokens = [self._tokens[i] for i in ids if i not in self._silent_ids]
        return words_from_tokens(tokens, token_times(weights, len(tokens), fires))
