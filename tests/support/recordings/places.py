"""Search for windows of a decoded recording in the original.

Compared at 4 kHz, where every codec keeps the waveform of speech and a search takes milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.support.speech.media import RATE

SLOW_RATE = 4000
"""Hz of what is compared."""

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Place found in the original: `at_s`, and the correlation there, 0 to 1 whatever level and
    sign."""

    at_s: float
    similarity: float


def slowed(samples: NDArray[np.generic]) -> Samples:
    """16 kHz samples at SLOW_RATE, below 1.6 kHz."""
    step = RATE // SLOW_RATE
    taps = np.arange(-64, 65)
    low = np.sinc(taps * 0.8 / step) * np.hanning(129)
    kernel = low / low.sum()
    whole = np.asarray(samples, dtype=np.float64)
    size = 1 << (len(whole) + 256).bit_length()
    spectrum = np.fft.rfft(whole, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(spectrum, size)[64 : 64 + len(whole)][::step]


class Original:
    """The sound in which windows are looked for."""

    def __init__(self, samples: NDArray[np.generic]) -> None:
        self.sound = slowed(samples)
        self._sums = np.concatenate(([0.0], np.cumsum(self.sound**2)))

    def find(self, window: Samples, near_s: float | None = None, within_s: float = 1.0) -> Place:
        """The best place for `window` (at SLOW_RATE), anywhere or at most within_s from near_s."""
        size = len(window)
        first, last = 0, len(self.sound) - size
        if near_s is not None:
            middle = round(near_s * SLOW_RATE)
            reach = round(within_s * SLOW_RATE)
            first, last = max(0, middle - reach), min(last, middle + reach)
        norm = float(np.sqrt(np.sum(window**2)))
        if last < first or norm == 0:
            return Place(-1.0, 0.0)
        stretch = self.sound[first : last + size]
        length = 1 << (len(stretch) + size).bit_length()
        products = np.fft.irfft(
            np.fft.rfft(stretch, length) * np.conj(np.fft.rfft(window, length)), length
        )[: last - first + 1]
        energy = self._sums[first + size : last + size + 1] - self._sums[first : last + 1]
        # What is quieter than -60 dB below full scale is no place at all.
        floor = size * 30.0**2
        scores = np.abs(products) / (norm * np.sqrt(np.maximum(energy, floor)))
        best = int(np.argmax(scores))
        return Place((first + best) / SLOW_RATE, float(scores[best]))

    def is_speech(self, at_s: float, seconds: float) -> bool:
        """Return whether there is speech in most of a stretch."""
        first = max(0, round(at_s * SLOW_RATE))
        part = self.sound[first : first + round(seconds * SLOW_RATE)]
        tenths = part[: len(part) // 400 * 400].reshape(-1, 400)
        loud = np.sqrt((tenths**2).mean(axis=1)) > 100.0
        return bool(len(loud) and loud.mean() > 0.6)
