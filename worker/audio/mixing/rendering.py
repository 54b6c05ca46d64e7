"""Pieces mixed as decided, with cross-fades between what was decided for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.decisions import Shares
from worker.audio.mixing.examination import Examined
from worker.audio.mixing.formats import HOP, HOPS, PIECE, TrackFormat

Floats = NDArray[np.float32]

_RAMP = ((np.arange(HOP) + 0.5) / HOP).astype(np.float32)
_SECONDS = np.arange(HOPS + 1)
"""The hops' edges in a piece, whose decision holds in its middle."""


class Renderer:
    """Mixes piece after piece.

    A channel's factor at the edge of two hops is the mean of theirs, and runs straight from edge to
    edge: where a hop turns a channel over, the factor is 0 at its start and never has the old sign
    inside.  The gain of all runs from middle to middle of the pieces, in decibels.
    Dither is the same each time; digital silence has none.
    """

    def __init__(self, tracks: Sequence[TrackFormat]) -> None:
        self._tracks = tracks
        self._before: tuple[NDArray[np.float64], float] | None = None

    def render(
        self, examined: Examined, shares: Shares, after: tuple[Examined, Shares] | None
    ) -> Floats | None:
        """The mix [PIECE] of a piece, before the next one; None where all is silence."""
        factors = _factors(examined, shares)
        last, gain = self._before or (factors[:, 0], shares.gain_db)
        first = factors[:, -1] if after is None else _factors(*after)[:, 0]
        next_gain = shares.gain_db if after is None else after[1].gain_db
        self._before = (factors[:, -1], shares.gain_db)
        padded = np.column_stack([last, factors, first])
        edges = (padded[:, 1:] + padded[:, :-1]) / 2
        middles = np.array([-0.5, 0.5, 1.5]) * HOPS
        gains = np.interp(_SECONDS, middles, [gain, shares.gain_db, next_gain])
        edges = (edges * 10 ** (gains / 20)).astype(np.float32)
        sounds = [sound for sound in examined.piece.sound if sound is not None]
        if not sounds:
            return None
        mixed = np.zeros(PIECE, np.float32)
        number = 0
        for track, sound in zip(self._tracks, examined.piece.sound, strict=True):
            for channel in range(track.channels):
                if sound is not None:
                    _add(mixed, sound[channel], edges[number])
                number += 1
        if (shares.dithered or gains.any()) and mixed.any():
            _dither(mixed, examined.piece.number)
        return mixed


def _dither(mixed: Floats, piece: int) -> None:
    """Add noise of a triangular distribution, one step of 16 bits to either side."""
    noise = np.random.default_rng(piece).random((2, PIECE), np.float32)
    mixed += (noise[0] - noise[1]) * np.float32(1 / 32_768)


def _factors(examined: Examined, shares: Shares) -> NDArray[np.float64]:
    """Factors of every channel in every hop [channels, HOPS], without the gain of all."""
    return np.concatenate(examined.signs) * shares.factors


def _add(mixed: Floats, sound: Floats, edges: Floats) -> None:
    if (edges == edges[0]).all():
        if edges[0]:
            mixed += sound * edges[0]
        return
    curve = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * _RAMP
    mixed += sound * curve.reshape(PIECE)
