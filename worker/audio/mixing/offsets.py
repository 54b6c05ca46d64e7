"""Removal of a constant offset from the sound, as poor inputs add it.

It is no sound, but counts as a level: quiet speech beside it would not be raised.  It shows in the
means of blocks, which all are the same then; those of a sound without it move around zero.
Digital silence has none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.formats import BLOCK, BLOCKS

_LEAST = 2.0**-11
"""Factor of full scale, -66 dB; a smaller offset hides no speech that could be recognised."""
_STEADY = 8.0
"""Factor by which an offset is larger than the means of blocks are apart."""
_LEAST_BLOCKS = 5


class OffsetRemover:
    """Removes the offsets of one track's channels, piece by piece."""

    def __init__(self, channels: int) -> None:
        self._known = np.zeros(channels)

    def remove(self, sound: NDArray[np.float32]) -> NDArray[np.float64]:
        """Remove the offsets from the next piece [channels, samples], in place; what they were
        [channels]."""
        blocks = sound.reshape(len(sound), BLOCKS, BLOCK)
        means = blocks.mean(axis=2, dtype=np.float64)
        for channel, of_channel in enumerate(means):
            is_sound = of_channel != 0.0
            self._learn(channel, of_channel[is_sound])
            if self._known[channel]:
                blocks[channel, is_sound] -= np.float32(self._known[channel])
        return self._known.copy()

    def _learn(self, channel: int, means: NDArray[np.float64]) -> None:
        if len(means) < _LEAST_BLOCKS:
            return
        middle = float(np.median(means))
        apart = float(np.median(np.abs(means - middle)))
        known = float(self._known[channel])
        is_steady = apart * _STEADY <= max(abs(middle), abs(known))
        if is_steady and abs(middle - known) >= _LEAST:
            self._known[channel] = middle if abs(middle) >= _LEAST else 0.0
