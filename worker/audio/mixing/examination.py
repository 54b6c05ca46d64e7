"""Examination of each piece as it is closed: measured, and searched for speech where that
matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing import measures
from worker.audio.mixing.alignment import Piece
from worker.audio.mixing.decisions import Phase, PieceMeasures
from worker.audio.mixing.formats import BLOCK, BLOCKS, HOP, HOPS, SILENCE_DBFS, TrackFormat
from worker.audio.mixing.measures import ChannelMeasures, Course, Floats, Levels, Voice
from worker.audio.mixing.offsets import OffsetRemover

_LOOK_AGAIN = 5
"""Pieces after which a channel that had speech is searched for it again."""
_QUIET_DBFS = -50.0
"""A channel that is no louder is searched in every piece, for its gain depends on it."""
_CUT_OFF = np.float32(0.98)
_CUT_OFF_SAMPLES = 24
"""Samples at the top of the range for which a block of 1,600 counts as clipped: speech whose peaks
just reach it has fewer.  In the sample meeting words go wrong once a fifth of all blocks does."""

_SILENT = ChannelMeasures(SILENCE_DBFS, SILENCE_DBFS, (Course.STEADY,) * HOPS, 0.0)


@dataclass(frozen=True, slots=True)
class Examined:
    """A piece and what was found in it."""

    piece: Piece
    measures: PieceMeasures
    signs: tuple[NDArray[np.float64], ...]
    """Signs of each track [channels, HOPS]: -1 where a channel goes in turned over."""
    cancelling: tuple[Sequence[bool], ...]
    """True where channels cancel each other, for each track in each hop."""
    clipped_blocks: NDArray[np.bool_] | None
    """True for each block that is cut off at the top of its range [BLOCKS]; None where nothing
    is."""


class Examiner:
    """Examines the pieces of a recording in order."""

    def __init__(self, tracks: Sequence[TrackFormat]) -> None:
        self._tracks = tracks
        self._phases = [Phase(track.channels) for track in tracks]
        self._offsets = [OffsetRemover(track.channels) for track in tracks]
        self._compared = sum(track.channels for track in tracks) > 1
        # Pieces since speech was last found in each channel.
        self._since = [[_LOOK_AGAIN] * track.channels for track in tracks]

    def examine(self, piece: Piece) -> Examined:
        """Measure the next piece, from whose sound constant offsets are removed."""
        channels: list[ChannelMeasures] = []
        voices: list[Voice | None] = []
        signs: list[NDArray[np.float64]] = []
        cancelling: list[Sequence[bool]] = []
        clipped: NDArray[np.bool_] | None = None
        blocks = max(1, piece.samples // BLOCK)
        for number, (track, sound) in enumerate(zip(self._tracks, piece.sound, strict=True)):
            phase = self._phases[number]
            if sound is None:
                channels += [_SILENT] * track.channels
                voices += [None] * track.channels
                self._since[number] = [count + 1 for count in self._since[number]]
                signs.append(phase.unchanged())
                cancelling.append((False,) * HOPS)
                continue
            offsets = self._offsets[number].remove(sound)
            found = _Track(sound, blocks)
            if self._compared:
                found.find_band()
            measured = [found.measure(channel) for channel in range(track.channels)]
            channels += measured
            for channel, each in enumerate(measured):
                voices.append(self._search(number, channel, found, each))
            if track.channels > 1:
                followed, over = phase.follow(*found.correlations(piece.samples))
                signs.append(followed)
                cancelling.append(over)
            else:
                signs.append(phase.unchanged())
                cancelling.append((False,) * HOPS)
            recorded = max(each.peak for each in measured) + np.abs(offsets).max()
            if track.integer and recorded >= _CUT_OFF:
                cut = _clipped(sound, offsets)
                clipped = cut if clipped is None else clipped | cut
        return Examined(
            piece, PieceMeasures(channels, voices), tuple(signs), tuple(cancelling), clipped
        )

    def _search(
        self, track: int, channel: int, found: _Track, measured: ChannelMeasures
    ) -> Voice | None:
        since = self._since[track]
        since[channel] += 1
        if measured.silent:
            return None
        if since[channel] < _LOOK_AGAIN and measured.loudness >= _QUIET_DBFS:
            return None
        voice = found.voice(channel)
        if voice is not None:
            since[channel] = 0
        return voice


class _Track:
    """Track in one piece, with its measures."""

    def __init__(self, sound: Floats, blocks: int) -> None:
        self._sound = sound
        self._blocks = blocks
        self.powers = measures.block_powers(sound)
        self._levels = measures.levels(self.powers[:, :blocks])
        self._low: Floats | None = None
        self._ranges: Levels | None = None
        self._band_levels: Levels | None = None
        self.sloped: Floats

    def find_band(self) -> None:
        if self._low is not None:
            return
        self._low = measures.low_band(self._sound)
        self.sloped = measures.band(self._low)
        self._band_levels = measures.levels(measures.block_powers(self.sloped))
        levels = self._band_levels[:, : self._blocks]
        self._band_levels[:, self._blocks :] = levels[:, -1:]
        self._ranges = measures.quantile(levels, 0.95) - measures.quantile(levels, 0.1)

    def correlations(self, samples: int) -> tuple[Levels, Levels]:
        """Do what `measures.correlations` does, with silence behind the end."""
        powers, found = measures.correlations(self.sloped)
        powers[-(-samples // HOP) :] = 0.0
        return powers, found

    def measure(self, channel: int) -> ChannelMeasures:
        sound, levels = self._sound[channel], self._levels[channel]
        return ChannelMeasures(
            floor=float(measures.quantile(levels, 0.1)),
            loudness=float(measures.quantile(levels, 0.95)),
            course=_SILENT.course
            if self._band_levels is None
            else measures.courses(self._band_levels[channel]),
            peak=max(float(sound.max()), -float(sound.min())),
        )

    def voice(self, channel: int) -> Voice | None:
        self.find_band()
        assert self._low is not None and self._ranges is not None
        return measures.find_voice(
            self._low[channel],
            self.sloped[channel],
            self.powers[channel],
            float(self._ranges[channel]),
        )


def _clipped(sound: Floats, offsets: NDArray[np.float64]) -> NDArray[np.bool_]:
    recorded = sound if not offsets.any() else sound + offsets[:, None].astype(np.float32)
    top = np.abs(recorded.reshape(len(sound), BLOCKS, BLOCK)) >= _CUT_OFF
    cut: NDArray[np.bool_] = (top.sum(axis=2) >= _CUT_OFF_SAMPLES).any(axis=0)
    return cut
