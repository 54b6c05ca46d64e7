"""Protocol of a network that tells voices apart, without anything about how it works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.recogniser import SAMPLE_RATE, Pcm

WINDOW_SAMPLES = SAMPLE_RATE * 3 // 2
"""Samples of the speech that one vector is made of, 1.5 s."""

VECTOR_SIZE = 192

Vectors = NDArray[np.float32]


class SpeakerEncoder(Protocol):
    """A loaded network that makes a vector of a window of speech.

    The cosine between two vectors says how alike the voices are.
    """

    @property
    def revision(self) -> str:
        """Changes whenever the same window could give another vector by more than rounding, in
        which devices and versions of this program may differ. Vectors are compared only under the
        same one."""
        ...

    @property
    def same_voice_cosine(self) -> float:
        """The cosine from which on two vectors are more likely one voice than two."""
        ...

    def embed(self, windows: Sequence[Pcm]) -> Vectors:
        """(len(windows), VECTOR_SIZE): a vector of length 1 for each window of WINDOW_SAMPLES.

        A vector depends on its own window alone.  Raises OutOfMemory where the device has no room.
        """
        ...


def distance(cosine: float) -> int:
    """The distance in a voice map of two vectors with this cosine: 0 for one direction, 255 for
    opposite ones."""
    return round(255 * (1 - cosine) / 2)
