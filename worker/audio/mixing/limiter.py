"""Peaks above full scale are scaled, never cut off.

The gain of each block of 100 ms is the smallest that any within 2.1 s asks for, averaged over 2 s
to either side: it never exceeds what the block itself asks for, and changes so slowly that speech
beside a bang stays speech.  Recognition does not mind what is 30 dB lower (see `decisions`).  Where
nothing exceeds full scale the gain is exactly 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.formats import BLOCK, BLOCKS, PIECE

Floats = NDArray[np.float32]

_REACH = 20
"""Blocks to either side that the gain is averaged over."""
_CONTEXT = 2 * _REACH + 2
"""Blocks to either side on which a block's gain depends, and its neighbours'."""
_NOTHING = np.zeros(BLOCKS)
_RAMP = (np.arange(BLOCK, dtype=np.float32) + np.float32(0.5)) / np.float32(BLOCK)


class Limiter:
    """Pieces of any level in, int16 out, one piece later."""

    def __init__(self) -> None:
        self._before = _NOTHING
        self._held: tuple[Floats | None, NDArray[np.float64]] | None = None
        self.lowest_db = 0.0
        """The strongest reduction so far."""

    def feed(self, piece: Floats | None) -> NDArray[np.int16] | None:
        """Take the next piece [PIECE], None for silence; give the one before."""
        wanted = _NOTHING if piece is None else _wanted_db(piece)
        ready = None if self._held is None else self._release(wanted)
        self._held = (piece, wanted)
        return ready

    def finish(self) -> NDArray[np.int16] | None:
        """Give the last piece, if there was one."""
        if self._held is None:
            return None
        ready = self._release(_NOTHING)
        self._held = None
        return ready

    def _release(self, after: NDArray[np.float64]) -> NDArray[np.int16]:
        assert self._held is not None
        piece, wanted = self._held
        before, self._before = self._before, wanted
        if piece is None:
            return SILENCE
        if before.any() or wanted.any() or after.any():
            piece = self._reduced(piece, before, wanted, after)
        scaled = piece * np.float32(32_768)
        np.rint(scaled, out=scaled)
        np.clip(scaled, -32_768, 32_767, out=scaled)
        return scaled.astype(np.int16)

    def _reduced(self, piece: Floats, *wanted: NDArray[np.float64]) -> Floats:
        around = np.concatenate(wanted)[BLOCKS - _CONTEXT : 2 * BLOCKS + _CONTEXT]
        width = 2 * _REACH + 1
        lowest = np.lib.stride_tricks.sliding_window_view(around, width + 2).min(axis=1)
        smooth = np.convolve(lowest, np.ones(width) / width, "valid")
        gains = 10 ** (smooth / 20)
        self.lowest_db = min(self.lowest_db, float(smooth.min()))
        edges = ((gains[1:] + gains[:-1]) / 2).astype(np.float32)[:, None]
        curve = edges[:-1] + (edges[1:] - edges[:-1]) * _RAMP
        reduced: Floats = piece * curve.reshape(PIECE)
        return reduced


SILENCE = np.zeros(PIECE, np.int16)
SILENCE.setflags(write=False)


def _wanted_db(piece: Floats) -> NDArray[np.float64]:
    if max(float(piece.max()), -float(piece.min())) <= 1.0:
        return _NOTHING
    peaks = np.abs(piece.reshape(BLOCKS, BLOCK)).max(axis=1).astype(np.float64)
    wanted: NDArray[np.float64] = -20 * np.log10(np.maximum(peaks, 1.0))
    return wanted
