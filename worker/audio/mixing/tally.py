"""Counts on the way what the summary tells at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from worker.audio.mixing.decisions import Shares
from worker.audio.mixing.examination import Examined
from worker.audio.mixing.formats import (
    BLOCK_S,
    HOP_S,
    PIECE,
    ChannelUse,
    MixSummary,
    TrackFormat,
    TrackMix,
)
from worker.recogniser import SAMPLE_RATE

_A_LOT_DB = 12.0
"""Amplified so much, speech was below -68 dBFS: quieter than where recognition still makes no
mistake."""


@dataclass(slots=True)
class _Places:
    """Stretches of something: where the first is, and how long all are. Seconds."""

    first: float | None = None
    seconds: float = 0.0

    def add(self, at: float, seconds: float) -> None:
        if self.first is None:
            self.first = at
        self.seconds += seconds


@dataclass(slots=True)
class _Track:
    power: list[float]
    blocks: list[int]
    out_of_phase: _Places = field(default_factory=_Places)
    selected: bool = False


class Tally:
    """Sums over a recording's pieces for the summary of its mix."""

    def __init__(self, tracks: Sequence[TrackFormat]) -> None:
        self._tracks = [_Track([0.0] * each.channels, [0] * each.channels) for each in tracks]
        self._peak = 0.0
        self._gain_db = 0.0
        self._quiet = _Places()
        self._clipped = _Places()

    def examined(self, found: Examined) -> None:
        """Count what a piece has."""
        start = found.piece.number * PIECE / SAMPLE_RATE
        self._peak = max([self._peak] + [each.peak for each in found.measures.channels])
        if found.clipped_blocks is not None:
            for block in np.flatnonzero(found.clipped_blocks):
                self._clipped.add(start + float(block) * BLOCK_S, BLOCK_S)
        voices = iter(found.measures.voices)
        for track, cancelling in zip(self._tracks, found.cancelling, strict=True):
            for channel in range(len(track.power)):
                voice = next(voices)
                if voice is not None:
                    track.power[channel] += voice.power
                    track.blocks[channel] += voice.blocks
            for hop, cancels in enumerate(cancelling):
                if cancels:
                    track.out_of_phase.add(start + hop * HOP_S, HOP_S)

    def decided(self, found: Examined, shares: Shares) -> None:
        """Count what was done with a piece."""
        if shares.raised_db > self._gain_db:
            self._gain_db = shares.raised_db
        if shares.raised_db >= _A_LOT_DB:
            start = found.piece.number * PIECE / SAMPLE_RATE
            self._quiet.add(start, found.piece.samples / SAMPLE_RATE)
        first = 0
        for track in self._tracks:
            aside = shares.set_aside[first : first + len(track.power)]
            track.selected |= any(aside) and not all(aside)
            first += len(aside)

    def summary(self, lowest_db: float, late: Sequence[int]) -> MixSummary:
        """`lowest_db` is the limiter's strongest reduction, `late` in samples of each track."""
        levels = [_level(track) for track in self._tracks]
        gain = self._gain_db if self._gain_db >= -lowest_db else lowest_db
        return MixSummary(
            tracks=tuple(
                TrackMix(
                    level_dbfs=level,
                    channel_use=_use(track),
                    out_of_phase_at_s=track.out_of_phase.first,
                    out_of_phase_s=track.out_of_phase.seconds,
                    late_s=samples / SAMPLE_RATE,
                )
                for track, level, samples in zip(self._tracks, levels, late, strict=True)
            ),
            level_dbfs=max((level for level in levels if level is not None), default=None),
            peak_dbfs=20 * math.log10(self._peak) if self._peak > 0 else None,
            gain_db=gain,
            quiet_at_s=self._quiet.first,
            quiet_s=self._quiet.seconds,
            clipped_at_s=self._clipped.first,
            clipped_s=self._clipped.seconds,
        )


def _level(track: _Track) -> float | None:
    powers = [
        power / blocks for power, blocks in zip(track.power, track.blocks, strict=True) if blocks
    ]
    return 10 * math.log10(max(powers)) if powers else None


def _use(track: _Track) -> ChannelUse:
    if track.out_of_phase.seconds:
        return ChannelUse.INVERTED
    return ChannelUse.SELECTED if track.selected else ChannelUse.MIXED
