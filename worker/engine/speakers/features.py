"""The input of a speaker network: filter banks of a window, less their mean over it.

As FunASR makes them for CAM++: Kaldi's own window, and samples between -1 and 1, for which torch's
smallest step is the least energy.  Loudness is a constant in each bin and goes with the mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from worker.engine.fbank import Fbank, frame_count, povey
from worker.recogniser import Pcm
from worker.speaker_encoder import WINDOW_SAMPLES

WINDOW_FRAMES = frame_count(WINDOW_SAMPLES)

_LEAST_ENERGY = torch.finfo(torch.float32).eps * 2.0**30
"""Least energy in squares of int16 samples, of which 2**15 are 1."""


def speaker_fbank(device: torch.device) -> Fbank:
    """The filter banks of speaker networks on a device."""
    return Fbank(device, povey(), _LEAST_ENERGY)


def window_features(fbank: Fbank, windows: Sequence[Pcm]) -> Tensor:
    """(windows, WINDOW_FRAMES, MEL_BINS) of windows of WINDOW_SAMPLES each, at least one."""
    rows, starts = fbank.batch(windows)
    frames = torch.stack([rows[start : start + WINDOW_FRAMES] for start in starts])
    return frames - frames.mean(dim=1, keepdim=True)
