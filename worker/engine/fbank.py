"""Kaldi-compatible log-mel filter banks, all frames at once.

FunASR computes the same with kaldi-native-fbank, one Python call a frame and twice a recording.
Against it the largest difference is below 2e-3 in natural-log units (float32 rounding in the
quietest bins).  No dither: noise would make two runs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from worker.engine.device import uploaded, uploaded_numbers
from worker.recogniser import SAMPLE_RATE, Pcm

FRAME_SAMPLES = SAMPLE_RATE * 25 // 1000
HOP_SAMPLES = SAMPLE_RATE * 10 // 1000
FFT_SIZE = 512
MEL_BINS = 80
LOW_HZ = 20.0
HIGH_HZ = SAMPLE_RATE / 2
PRE_EMPHASIS = 0.97
BLOCK_FRAMES = 500
"""Frames transformed at once, 5 s: 4 MB of temporaries, which stay in a core's cache (on one core
three times as fast as 30 s at once, and the same to the last bit)."""
GPU_BLOCK_FRAMES = 30_000
"""Frames of a block on a GPU, five minutes: some 250 MB of temporaries, for less than a network of
Paraformer-large's size takes for as much audio, and a dozen kernels to launch."""


def mel_weights() -> Tensor:
    """(FFT_SIZE // 2 + 1, MEL_BINS): Kaldi's triangles; the Nyquist bin is unused."""

    def mel(hertz: Tensor) -> Tensor:
        return 1127.0 * torch.log1p(hertz / 700.0)

    low, high = mel(torch.tensor([LOW_HZ, HIGH_HZ], dtype=torch.float64))
    step = (high - low) / (MEL_BINS + 1)
    left = low + step * torch.arange(MEL_BINS, dtype=torch.float64)
    bins = mel(torch.arange(FFT_SIZE // 2, dtype=torch.float64) * (SAMPLE_RATE / FFT_SIZE))
    rising = (bins[:, None] - left) / step
    triangles = torch.minimum(rising, 2.0 - rising).clamp(min=0.0)
    return torch.cat([triangles, triangles.new_zeros(1, MEL_BINS)]).float()


def hamming() -> Tensor:
    """(FRAME_SAMPLES,): the window of FunASR's frontends."""
    return torch.hamming_window(FRAME_SAMPLES, periodic=False)


def povey() -> Tensor:
    """(FRAME_SAMPLES,): the window that Kaldi takes where none is named."""
    return torch.hann_window(FRAME_SAMPLES, periodic=False).pow(0.85)


class Fbank:
    """The transform on one device. Stateless, so shared by all recordings.

    No energy is taken for less than `least_energy`, in squares of int16 samples.
    """

    def __init__(
        self,
        device: torch.device,
        window: Tensor | None = None,
        least_energy: float = torch.finfo(torch.float32).eps,
    ) -> None:
        self.device = device
        self._window = (hamming() if window is None else window).to(device)
        self._least_energy = least_energy
        self._mel = mel_weights().to(device)

    def __call__(self, pcm: Pcm) -> Tensor:
        """Samples to (frames, MEL_BINS) on the device; no frame for less than 25 ms."""
        return self._transform(uploaded([pcm], self.device), frame_count(len(pcm)))

    def batch(self, speech: Sequence[Pcm]) -> tuple[Tensor, list[int]]:
        """The frames of several spans in one (rows, MEL_BINS), and the row where each span begins.

        On a GPU the samples go there in one copy, each span at a whole number of hops, and all are
        transformed together; the few rows between two spans hold nothing of use.
        """
        if self.device.type == "cpu":  # span by span is kinder to the cache
            counts = [frame_count(len(pcm)) for pcm in speech]
            return torch.cat([self(pcm) for pcm in speech]), _starts(counts)
        return self._together(speech)

    def _together(self, speech: Sequence[Pcm]) -> tuple[Tensor, list[int]]:
        hops = [-(-len(pcm) // HOP_SAMPLES) for pcm in speech]
        samples = uploaded(speech, self.device, multiple=HOP_SAMPLES)
        return self._transform(samples, frame_count(len(samples))), _starts(hops)

    def _transform(self, samples: Tensor, count: int) -> Tensor:
        step = BLOCK_FRAMES if self.device.type == "cpu" else GPU_BLOCK_FRAMES
        if 0 < count <= step:
            return self._block(samples[: (count - 1) * HOP_SAMPLES + FRAME_SAMPLES])
        features = torch.empty(count, MEL_BINS, device=self.device)
        for first in range(0, count, step):
            last = min(count, first + step)
            block = samples[first * HOP_SAMPLES : (last - 1) * HOP_SAMPLES + FRAME_SAMPLES]
            features[first:last] = self._block(block)
        return features

    def _block(self, samples: Tensor) -> Tensor:
        return self.log_energies(self.power(samples))

    def power(self, samples: Tensor) -> Tensor:
        """Samples on the device to the power spectra of their frames, (frames, FFT_SIZE // 2 + 1),
        all at once; each frame's is made of its own samples alone."""
        frames = samples.float().unfold(0, FRAME_SAMPLES, HOP_SAMPLES)
        frames = frames - frames.mean(dim=1, keepdim=True)
        first = frames[:, :1] * (1.0 - PRE_EMPHASIS)
        frames = torch.cat([first, frames[:, 1:] - PRE_EMPHASIS * frames[:, :-1]], dim=1)
        spectrum = torch.fft.rfft(frames * self._window, n=FFT_SIZE)
        power: Tensor = spectrum.real.square() + spectrum.imag.square()
        return power

    def log_energies(self, power: Tensor) -> Tensor:
        """(frames, FFT_SIZE // 2 + 1) to (frames, MEL_BINS). The last bits of a frame may follow
        how many there are."""
        energies: Tensor = power @ self._mel
        return energies.clamp_min_(self._least_energy).log_()


class StackedFbank:
    """Features of a batch for FunASR's recognisers: low-rate, normalised frames on one device.

    `cmvn`: (2, features), what to add to a stacked frame, then what to multiply it by.
    `frame_width` filter-bank frames become one, every `frame_step` of them (lfr_m, lfr_n).
    """

    def __init__(
        self, fbank: Fbank, cmvn: Tensor, frame_width: int, frame_step: int, device: torch.device
    ) -> None:
        self._fbank = fbank
        self._shift, self._scale = cmvn.to(device)
        self._frame_width = frame_width
        self._frame_step = frame_step
        self.feature_dim = len(self._shift)

    def __call__(self, speech: Sequence[Pcm]) -> tuple[Tensor, Tensor]:
        """(spans, T, feature_dim) on the device, and each span's own frames, (spans,) on the CPU.

        Every span must have 25 ms; frames beyond its own hold anything finite.
        """
        counts = [frame_count(len(pcm)) for pcm in speech]
        banks, starts = self._fbank.batch(speech)
        stacked = stack_batch(banks, starts, counts, self._frame_width, self._frame_step)
        lengths = torch.tensor([-(-count // self._frame_step) for count in counts])
        return (stacked + self._shift) * self._scale, lengths


class FbankStream:
    """Filter banks of a recording that arrives in blocks: the same frames as in one piece."""

    def __init__(self, fbank: Fbank) -> None:
        self._fbank = fbank
        self._rest = torch.zeros(0, dtype=torch.int16)

    def feed(self, pcm: Pcm) -> Tensor:
        """(frames, MEL_BINS) of the frames that these samples complete."""
        samples = torch.cat([self._rest, torch.as_tensor(pcm)])
        features = self._fbank(samples.numpy())
        self._rest = samples[len(features) * HOP_SAMPLES :].clone()
        return features


def frame_count(samples: int) -> int:
    """Whole frames in so many samples; Kaldi's snip_edges."""
    return max(0, (samples - FRAME_SAMPLES) // HOP_SAMPLES + 1)


def stack_frames(features: Tensor, width: int, step: int) -> Tensor:
    """(T, bins) to (ceil(T / step), width * bins): FunASR's low frame rate (lfr_m, lfr_n).

    Each row is `width` neighbours, the first centred on frame 0; the edges repeat the outermost
    frames.
    """
    return stack_batch(features, [0], [len(features)], width, step)[0]


def stack_batch(
    features: Tensor, starts: Sequence[int], counts: Sequence[int], width: int, step: int
) -> Tensor:
    """Stack `counts` frames from each of `starts`, at least one, as `stack_frames` does: (spans, T,
    width * bins).

    Rows beyond a span's own repeat its last frame.
    """
    rows = -(-max(counts) // step)
    device = features.device
    begin, last = uploaded_numbers([starts, [count - 1 for count in counts]], device)[..., None]
    first = torch.arange(rows, device=device)[:, None] * step - (width - 1) // 2
    offsets = (first + torch.arange(width, device=device)).clamp_(min=0).reshape(1, -1)
    stacked = features[begin + torch.minimum(offsets, last)]
    return stacked.reshape(len(counts), rows, -1)


def _starts(lengths: Sequence[int]) -> list[int]:
    return list(accumulate(lengths, initial=0))[:-1]
