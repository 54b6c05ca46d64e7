"""Waveform of a recording for the player: loudness over time, in a few thousand numbers.

Nobody knows how long a recording is before its end, so buckets begin small and are joined two by
two whenever there are too many.  A bucket's value is the mean of the peaks of its frames: over the
seconds that a bucket of a long recording lasts, a click would be as high as speech and every bucket
would look alike.  All sums are of integers, so the result is the same however the samples came.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.jobs import Waveform
from worker.recogniser import SAMPLE_RATE, Pcm

FRAME_SAMPLES = 160
"""10 ms, the shortest bucket that there is."""

MOST_BUCKETS = 4000
"""Buckets at most: more than a screen has columns. A recording of over 40 s has at least half as
many."""

_LOUDEST = 255

Sums = NDArray[np.int64]


class LoudnessMeter:
    """Takes the samples of a recording in order and gives its waveform, in a bounded space."""

    def __init__(self) -> None:
        self._samples = 0
        self._frames_each = 1
        self._buckets: Sums = np.zeros(0, np.int64)
        """The sum of the peaks of each bucket that is full."""
        self._frames: Sums = np.zeros(0, np.int64)
        """The peaks of frames that fill no bucket yet."""
        self._rest: Pcm = np.zeros(0, np.int16)
        """Samples that fill no frame yet."""

    def feed(self, block: Pcm) -> None:
        """Take the next samples, any number of them."""
        self._samples += len(block)
        block = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(block) - len(block) % FRAME_SAMPLES
        self._rest = block[whole:].copy()
        if whole:
            self._fill(_peaks(block[:whole].reshape(-1, FRAME_SAMPLES)))

    def waveform(self) -> Waveform | None:
        """The waveform of all samples taken by now; None if there are none. More may follow."""
        if not self._samples:
            return None
        means = self._buckets // self._frames_each
        last = self._frames
        if len(self._rest):
            last = np.concatenate([last, _peaks(self._rest.reshape(1, -1))])
        if len(last):
            means = np.append(means, last.sum() // len(last))
        # By its own loudest bucket: a quiet recording shows its pauses as well as a loud one.
        scaled = means * _LOUDEST // max(1, int(means.max()))
        return Waveform(self._samples / SAMPLE_RATE, scaled.astype(np.uint8).tobytes())

    def _fill(self, peaks: Sums) -> None:
        frames = np.concatenate([self._frames, peaks])
        whole = len(frames) - len(frames) % self._frames_each
        full = frames[:whole].reshape(-1, self._frames_each).sum(axis=1)
        self._buckets = np.concatenate([self._buckets, full])
        self._frames = frames[whole:]
        while len(self._buckets) >= MOST_BUCKETS:
            self._join()

    def _join(self) -> None:
        """Make one bucket of every two; one that is left over is half of a bucket to come."""
        if len(self._buckets) % 2:
            left_over = np.zeros(self._frames_each, np.int64)
            left_over[0] = self._buckets[-1]
            self._frames = np.concatenate([left_over, self._frames])
            self._buckets = self._buckets[:-1]
        self._buckets = self._buckets.reshape(-1, 2).sum(axis=1)
        self._frames_each *= 2


def _peaks(frames: Pcm) -> Sums:
    """The largest distance from zero in each row of samples; that of -32,768 is no int16."""
    highest = frames.max(axis=1).astype(np.int64)
    lowest = frames.min(axis=1).astype(np.int64)
    peaks: Sums = np.maximum(highest, -lowest)
    return peaks
