"""The input of a speaker network: filter banks of a window, less their mean over it.

As FunASR makes them for CAM++: Kaldi's own window, and samples between -1 and 1, for which torch's
smallest step is the least energy.  Loudness is a constant in each bin and goes with the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from worker.engine.fbank import BLOCK_FRAMES, HOP_SAMPLES, Fbank, frame_count, povey
from worker.recogniser import Pcm
from worker.speaker_encoder import WINDOW_SAMPLES

WINDOW_FRAMES = frame_count(WINDOW_SAMPLES)

_FARTHEST = BLOCK_FRAMES - WINDOW_FRAMES
"""Frame of a stretch at which its last window may begin."""

_LEAST_ENERGY = torch.finfo(torch.float32).eps * 2.0**30
"""Least energy in squares of int16 samples, of which 2**15 are 1."""


def speaker_fbank(device: torch.device) -> Fbank:
    """The filter banks of speaker networks on a device."""
    return Fbank(device, povey(), _LEAST_ENERGY)


def window_features(fbank: Fbank, windows: Sequence[Pcm]) -> Tensor:
    """(windows, WINDOW_FRAMES, MEL_BINS) of windows of WINDOW_SAMPLES each, at least one."""
    if fbank.device.type == "cpu":
        frames = torch.stack(_each_heard_once(fbank, windows))
    else:  # there they take no time, and all passes have the shape of one
        rows, starts = fbank.batch(windows)
        frames = torch.stack([rows[start : start + WINDOW_FRAMES] for start in starts])
    return frames.sub_(frames.mean(dim=1, keepdim=True))


def _each_heard_once(fbank: Fbank, windows: Sequence[Pcm]) -> list[Tensor]:
    """(WINDOW_FRAMES, MEL_BINS) of each window, where a frame that it shares with the one before is
    transformed once.

    The same to the last bit as without: bins are summed up window by window.
    """
    found = []
    for stretch, places in _stretches(windows):
        power = fbank.power(torch.as_tensor(stretch))
        found += [fbank.log_energies(power[place : place + WINDOW_FRAMES]) for place in places]
    return found


def _stretches(windows: Sequence[Pcm]) -> Iterator[tuple[Pcm, list[int]]]:
    """Join neighbouring windows that are views of the same speech, whole frames apart and not
    farther than they are long; give each stretch, and its frames at which windows begin."""
    first = 0
    while first < len(windows):
        parts, places = [windows[first]], [0]
        for one, other in pairwise(windows[first:]):
            behind = _samples_behind(one, other)
            frames, rest = divmod(behind, HOP_SAMPLES)
            if rest or not 0 <= behind < WINDOW_SAMPLES or places[-1] + frames > _FARTHEST:
                break
            parts.append(other[WINDOW_SAMPLES - behind :])
            places.append(places[-1] + frames)
        yield np.concatenate(parts), places
        first += len(places)


def _samples_behind(one: Pcm, other: Pcm) -> int:
    """How many samples a window begins behind another in memory, where the same is in both;
    WINDOW_SAMPLES where they share none."""
    if one.strides != other.strides or one.strides != (one.itemsize,):
        return WINDOW_SAMPLES
    begins = [window.__array_interface__["data"][0] for window in (one, other)]
    samples, rest = divmod(begins[1] - begins[0], one.itemsize)
    return WINDOW_SAMPLES if rest else samples
