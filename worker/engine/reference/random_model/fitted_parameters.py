"""The few parameters of a random network that are not left to chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from worker.engine.fbank import FRAME_SAMPLES, HOP_SAMPLES
from worker.recogniser import Pcm

TOKENS_PER_SECOND = 4.0
"""Ordinary Mandarin, pauses included."""

_WEIGHT_SPREAD = 0.8
"""Deviation of the token weights before the sigmoid: some frames hold a token, most do not."""

_ROOMS = ((1.7, 15.0), (1.7, 50.0), (3.0, 150.0))
"""Factor on the speech, and root mean square of the noise in steps of int16."""

_LARGEST_LOGIT = 5.0
"""Largest logit of silence, on the recording that it is fitted to; 17 round to a probability of
1."""

_SPEECH_BELOW_LOGIT = math.log(0.2 / 0.8)
"""Speech wants P(speech) - P(silence) of at least 0.6 (speech_noise_thres)."""

_MARK_RATES = {"<unk>": 1e-4, "_": 0.845, "，": 0.085, "。": 0.05, "？": 0.01, "、": 0.01}
"""Frequency of each mark after a token of a meeting."""


@torch.no_grad()
def fit_tokens(model: Any, features: Tensor, tokens_per_frame: float) -> None:
    """Let the predictor fire so often, by the scale and the bias of its last layer."""
    hidden, _ = model.encode(features[None], torch.tensor([len(features)]))
    predictor = model.predictor
    convolved = predictor.cif_conv1d(predictor.pad(hidden.transpose(1, 2)))
    layer = predictor.cif_output
    scores = torch.relu(convolved).transpose(1, 2) @ layer.weight.T
    layer.weight.mul_(_WEIGHT_SPREAD / scores.std())
    scores.mul_(_WEIGHT_SPREAD / scores.std())
    low, high = -30.0, 30.0
    for _ in range(60):  # the mean rises with the bias
        bias = (low + high) / 2
        if torch.sigmoid(scores + bias).mean() < tokens_per_frame:
            low = bias
        else:
            high = bias
    layer.bias.fill_(bias)


def in_noisier_rooms(speech: Pcm) -> list[Pcm]:
    """The recording as it is, and louder with noise behind it, so that what is learnt from it is
    speech and not a level."""
    rng = np.random.default_rng(0)
    rooms = [speech]
    for gain, noise in _ROOMS:
        louder = speech * gain + rng.normal(0.0, noise, len(speech))
        rooms.append(np.clip(louder, -32_768, 32_767).astype(np.int16))
    return rooms


def fit_speech(encoder: Any, features: Tensor, is_speech: Tensor) -> None:
    """Fit the last layer to tell speech from silence, by logistic regression.

    Silence is class 0; the other classes share what is left, so that their number costs time and
    changes nothing.  Scores are flattened, for other recordings reach further out than this one,
    and FunASR's own code fails on a probability that rounds to zero.
    """
    is_silence = ~is_speech
    captured: list[Tensor] = []
    hook = encoder.out_linear1.register_forward_hook(lambda *given: captured.append(given[2]))
    with torch.no_grad():
        encoder(features[None], {})
    hook.remove()
    (hidden,) = captured[0].detach()
    mean, deviation = hidden.mean(dim=0), hidden.std(dim=0) + 1e-6
    inputs = (hidden - mean) / deviation
    weights = torch.zeros(inputs.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200)

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = inputs @ weights + bias
        value = binary_cross_entropy_with_logits(logits, is_silence.float())
        value = value + 1e-3 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        flatter = min(1.0, _LARGEST_LOGIT / float((inputs @ weights + bias).abs().max()))
        layer = encoder.out_linear2.linear
        scaled = flatter * weights / deviation
        layer.weight.zero_()
        layer.weight[0] = scaled
        layer.bias.fill_(-math.log(layer.out_features - 1))
        layer.bias[0] = flatter * bias[0] - mean @ scaled + _SPEECH_BELOW_LOGIT


def loud_frames(speech: Pcm) -> Tensor:
    """(frames,) whether each is nearer to the loud tenth of the recording than to the quiet."""
    frames = np.lib.stride_tricks.sliding_window_view(speech, FRAME_SAMPLES)[::HOP_SAMPLES]
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / FRAME_SAMPLES
    decibel = 10 * np.log10(power + 1.0)
    threshold = np.percentile(decibel, [10, 90]).mean()
    return torch.from_numpy(decibel > threshold)


@torch.no_grad()
def fit_marks(model: Any, vocabulary: int) -> None:
    """Let marks come as often as in a meeting, by the scale and the bias of the last layer."""
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(1, vocabulary, (40, 40), generator=generator)
    scores, _ = model.punc_forward(text, torch.full((40,), 40))
    scores = (scores - model.decoder.bias).reshape(-1, len(model.punc_list))
    spread = scores.std()
    model.decoder.weight.div_(spread)
    scores = scores / spread
    wanted = torch.tensor([_MARK_RATES[mark] for mark in model.punc_list])
    bias = wanted.log()
    for _ in range(400):
        marks = (scores + bias).argmax(dim=-1)
        rates = one_hot(marks, len(wanted)).float().mean(dim=0) + 1e-5
        bias += 0.1 * (wanted / rates).log().clamp(-1, 1)
    model.decoder.bias.copy_(bias)
