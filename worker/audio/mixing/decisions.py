"""Decisions on the level of each channel in the mix, and their reasons.

**What is left alone.**  The bundled model makes no mistake in the sample meeting from 12 dB above
its own level to 30 dB below, that is with speech from -15 to -57 dBFS, and the voice activity of
real models finds the same spans of real speech over a range as wide.  (Below, its pauses fall under
the last bit of 16, and what rounding makes of them is taken for words.)  So nothing is changed for
speech above -56 dBFS; what lies above full scale is the limiter's.

**Quiet recordings.**  Speech below -56 dBFS is brought there, and dithered, so that pauses survive
16 bits: then no word is wrong down to 45 dB below the meeting's level.  Only speech is evidence
(see `measures`), from 25 s before to 10 s after; where there is none for a while the gain stays as
it was, and before the first it is 1.  The gain never brings anything above -20 dBFS.

**Noise alone** stays as faint as it is.  Where nothing around exceeds -80 dBFS it is dithered: the
last bits by themselves (faint rain, wind, keys) are taken for words by the bundled model, with
dither they are not.

**Channels that cancel each other.**  Where a hop's correlation is below -0.7 and the levels are
less than 12 dB apart, the channel goes in turned over, until a correlation above 0.2 says
otherwise.  A mean of the two would lose more than 8 dB, in the limit all.  Two microphones in a
room, up to 2.7 m further from the voice than each other, stay above -0.7; a channel turned over
comes below, with as much echo as voice now and then, and then stays turned.

**Steady noise.**  Hiss, hum and tones keep their level: in the band it stays within 4 dB in every
hop of 15 s around, but for one in which it may change once, as a machine is switched on.  Such a
channel is set aside where it has no speech and another has, less than 35 dB above it.  Speech as
loud as its background moves the level further than that.

**Voices of different levels.**  Channels of one track with speech of their own are brought to
within 15 dB of the loudest, tracks to within 6 dB, as far as their floors stay 40 and 30 dB below
the loudest speech.

**Sound without speech beside speech.**  What is not steady and yet no voice (a fan, keys, music, a
game) is never left out: speech may be under it.  Where it goes on in most of the pieces around, it
is lowered to 20 dB below the speech of another channel or track, at which words are still
recognised.  A listener's few words do not make his channel such a one.

All changes are cross-fades: shares over the second to either side of a change, the gain over 5 s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.formats import HOPS, TrackFormat
from worker.audio.mixing.measures import ChannelMeasures, Course, Voice

QUIET_DBFS = -56.0
_FAINT_DBFS = -80.0
_NEVER_RAISED_ABOVE_DBFS = -20.0
_MOST_RAISED_DB = 60.0
_STEADY_HOPS = 7
"""Hops to either side."""
_NOISE_MATTERS_DB = 35.0
_CHANNELS_APART_DB, _CHANNEL_FLOOR_DB = 15.0, 40.0
_TRACKS_APART_DB, _TRACK_FLOOR_DB = 6.0, 30.0
_MOST_LEVELLED_DB = 40.0
_BESIDE_SPEECH_DB = 20.0
_MOST_LOWERED_DB = 60.0
_AS_GOOD_AS_LEFT_OUT_DB = 10.0
_CANCELS, _GOES_TOGETHER = -0.7, 0.2
_CANCELS_WITHIN = 10 ** (-12 / 10)
_HEARD_POWER = 10 ** (-90 / 10)
"""Power in the band below which a sound does not change a sign."""


@dataclass(frozen=True, slots=True)
class PieceMeasures:
    """Measures of a piece, for each channel of each track, one after the other."""

    channels: Sequence[ChannelMeasures]
    voices: Sequence[Voice | None]


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the channels of a piece in the mix."""

    factors: NDArray[np.float64]
    """Factors of each channel in each hop [channels, HOPS], without sign and the gain of all."""
    gain_db: float
    """Gain of all channels."""
    set_aside: tuple[bool, ...]
    """Channels that are left out in at least one hop, or nearly so."""
    dithered: bool
    raised_db: float
    """Largest amplification of speech, in decibels."""


@dataclass(slots=True)
class _Known:
    """Last known levels of a channel's speech."""

    level: float | None = None
    floor: float = 0.0


@dataclass(slots=True)
class Decisions:
    """Decides piece by piece, from first to last."""

    tracks: Sequence[TrackFormat]
    _known: list[_Known] = field(init=False)
    _first: list[int] = field(init=False)
    _gain: float = 0.0

    def __post_init__(self) -> None:
        self._first = [0]
        for track in self.tracks:
            self._first.append(self._first[-1] + track.channels)
        self._known = [_Known() for _ in range(self._first[-1])]

    def decide(self, window: Sequence[PieceMeasures], now: int) -> Shares:
        """Shares of `window[now]`, from the pieces around it."""
        inputs = range(self._first[-1])
        speaks = [any(piece.voices[i] for piece in window) for i in inputs]
        loudness = [max(piece.channels[i].loudness for piece in window) for i in inputs]
        for i in inputs:
            if speaks[i]:
                self._learn(i, window)
        aside = self._steady_noise(window, now, speaks, loudness)
        gains = self._levelled()
        lowered = self._beside_speech(gains, speaks, window)
        gains = [gain - down for gain, down in zip(gains, lowered, strict=True)]
        heard = [i for i in inputs if not aside[i].all()]
        gain = self._gain_of_all(gains, speaks, heard, loudness)
        self._gain = gain
        return Shares(
            np.where(aside, 0.0, np.array([[self._share(i) * _factor(gains[i])] for i in inputs])),
            gain,
            tuple(bool(aside[i].any()) or lowered[i] >= _AS_GOOD_AS_LEFT_OUT_DB for i in inputs),
            gain > 0.0 or max(loudness) < _FAINT_DBFS,
            max([gain] + [gain + gains[i] for i in heard if speaks[i]]),
        )

    def level(self, number: int) -> float | None:
        """Level at which the speech in channel `number` goes into the mix where nothing is
        changed, in dBFS."""
        level = self._known[number].level
        return None if level is None else level + _decibels(self._share(number))

    def _share(self, number: int) -> float:
        return 1 / self.tracks[self._track(number)].channels

    def _track(self, number: int) -> int:
        return int(np.searchsorted(self._first, number, "right")) - 1

    def _learn(self, number: int, window: Sequence[PieceMeasures]) -> None:
        voices = [voice for piece in window if (voice := piece.voices[number])]
        power = sum(voice.power for voice in voices) / sum(voice.blocks for voice in voices)
        floors = sorted(piece.channels[number].floor for piece in window)
        self._known[number] = _Known(_level(power), floors[len(floors) // 2])

    def _steady_noise(
        self,
        window: Sequence[PieceMeasures],
        now: int,
        speaks: Sequence[bool],
        loudness: Sequence[float],
    ) -> NDArray[np.bool_]:
        loudest = max((level for _, level in self._speaking(speaks)), default=math.inf)
        aside = np.zeros((len(speaks), HOPS), bool)
        for i, speaking in enumerate(speaks):
            level = loudness[i] + _decibels(self._share(i))
            if speaking or level <= loudest - _NOISE_MATTERS_DB:
                continue
            course = np.array([hop for piece in window for hop in piece.channels[i].course])
            for hop in range(HOPS):
                at = now * HOPS + hop
                around = course[max(0, at - _STEADY_HOPS) : at + _STEADY_HOPS + 1]
                aside[i, hop] = around.max() < Course.LIVELY and (around == Course.STEP).sum() < 2
        return aside

    def _levelled(self) -> list[float]:
        """Decibels by which channels are raised towards the loudest speech."""
        gains = [0.0] * self._first[-1]
        tracks: list[tuple[range, float, float]] = []
        for first, end in zip(self._first[:-1], self._first[1:], strict=True):
            members = range(first, end)
            levels = [level for i in members if (level := self.level(i)) is not None]
            if not levels:
                continue
            loudest = max(levels)
            floors = []
            for i in members:
                level, floor = self.level(i), self._known[i].floor + _decibels(self._share(i))
                if level is None:
                    continue
                gains[i] = _raise(loudest, level, floor, _CHANNELS_APART_DB, _CHANNEL_FLOOR_DB)
                floors.append(floor + gains[i])
            tracks.append((members, loudest, max(floors)))
        loudest = max((level for _, level, _ in tracks), default=0.0)
        for members, level, floor in tracks:
            raised = _raise(loudest, level, floor, _TRACKS_APART_DB, _TRACK_FLOOR_DB)
            for i in members:
                gains[i] += raised
        return gains

    def _beside_speech(
        self, gains: Sequence[float], speaks: Sequence[bool], window: Sequence[PieceMeasures]
    ) -> list[float]:
        """Decibels by which channels without speech are lowered, others having it."""
        lowered = [0.0] * len(speaks)
        speech = [level + gains[i] for i, level in self._speaking(speaks)]
        if not speech:
            return lowered
        for i, speaking in enumerate(speaks):
            if speaking:
                continue
            course = sorted(piece.channels[i].loudness for piece in window)
            middle = course[(len(course) - 1) // 2] + _decibels(self._share(i)) + gains[i]
            above = middle - (max(speech) - _BESIDE_SPEECH_DB)
            lowered[i] = min(max(0.0, above), _MOST_LOWERED_DB)
        return lowered

    def _speaking(self, speaks: Sequence[bool]) -> list[tuple[int, float]]:
        """Channels that speak, each with its `level`."""
        found = [(i, self.level(i)) for i, speaking in enumerate(speaks) if speaking]
        return [(i, level) for i, level in found if level is not None]

    def _gain_of_all(
        self,
        gains: Sequence[float],
        speaks: Sequence[bool],
        heard: Sequence[int],
        loudness: Sequence[float],
    ) -> float:
        levels = [level + gains[i] for i, level in self._speaking(speaks)]
        wanted = QUIET_DBFS - max(levels) if levels else self._gain
        if wanted <= 0.0:
            return 0.0
        loudest = max(loudness[i] + _decibels(self._share(i)) + gains[i] for i in heard)
        return max(0.0, min(wanted, _NEVER_RAISED_ABOVE_DBFS - loudest, _MOST_RAISED_DB))


@dataclass(slots=True)
class Phase:
    """Polarity of the channels of one track, hop by hop: those that are turned over."""

    channels: int
    _signs: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self._signs = np.ones(self.channels)

    def unchanged(self) -> NDArray[np.float64]:
        """Signs [channels, HOPS] of a piece in which nothing can be told."""
        return np.repeat(self._signs[:, None], HOPS, axis=1)

    def follow(
        self, powers: NDArray[np.float64], correlations: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], list[bool]]:
        """Signs [channels, HOPS] of a piece, and in which hops channels cancel each other.

        Takes what `measures.correlations` gives.  Hops without sound are as the one before, and
        nothing cancels in them.
        """
        signs = np.empty((self.channels, HOPS))
        cancelling = []
        for hop in range(HOPS):
            leader = int(powers[hop].argmax())
            least = max(powers[hop, leader] * _CANCELS_WITHIN, _HEARD_POWER)
            near = powers[hop] >= least
            over = near & (correlations[hop, leader] < _CANCELS)
            agrees = near & (correlations[hop, leader] > _GOES_TOGETHER)
            sign = self._signs[leader]
            self._signs = np.select([over, agrees], [-sign, sign], self._signs)
            cancelling.append(bool((near & (self._signs != sign)).any()))
            signs[:, hop] = self._signs
        return signs, cancelling


def _raise(loudest: float, level: float, floor: float, apart: float, floor_apart: float) -> float:
    wanted = min(loudest - apart - level, loudest - floor_apart - floor, _MOST_LEVELLED_DB)
    return max(0.0, wanted)


def _level(power: float) -> float:
    return 10 * math.log10(max(power, 1e-15))


def _decibels(factor: float) -> float:
    return 20 * math.log10(factor)


def _factor(decibels: float) -> float:
    return float(10 ** (decibels / 20))
