"""Measures of a piece: levels, whether channels cancel each other, and signs of speech.

Levels are mean powers of blocks of 100 ms, in dBFS: 0 is a square wave at full scale.  The floor of
a piece is the level that a tenth of its blocks do not reach, its loudness the one that a twentieth
exceed.

The band is the sound below 2 kHz, sloping by 6 dB an octave: means of four samples, then their
differences.  Speech has its syllables there; rumble, mains hum and hiss weigh little.

Speech is recognised by its voice.  In frames of 64 ms, one each 25 ms, a pitch of 70 to 400 Hz is
looked for in the band by autocorrelation.  A voice glides: from frame to frame its pitch moves, by
3 to 100 cents.  In the sample meeting and in recordings of real speech, 5 s have 13 to 79 such
steps, 10 to 60 of them left with noise only 10 dB below; noises, machines, keys, doors and signals
have 2 at most.  Music glides too, when its chords die away, but stands still more often than not;
birds sing above the band, and an engine does not pause.  So a piece has speech where at least
8 steps glide, at least as many as stand still, more of its power lies below 2 kHz than above, and
levels move by at least 9 dB.  To find it costs ten times what the rest does, so the caller asks
where it matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.formats import BLOCK, BLOCKS, HOPS, SILENCE_DBFS

Floats = NDArray[np.float32]
Levels = NDArray[np.float64]

_DECIMATION = 4
_BAND_RATE = 4_000
_FRAME = 256
_FRAME_STEP = 100
_FRAMES_A_BLOCK = BLOCK // _DECIMATION // _FRAME_STEP
_SPECTRUM = 512
_LAGS = slice(10, 58)
"""70 to 400 Hz at the rate of the band."""
_VOICED = 0.6
"""Correlation with the sound one period before, from which a frame is voiced."""
_FAINT_DB = 25.0
"""Frames so far below the loudest of their piece are not looked at."""
_STILL, _LEAP, _BEND = 0.03, 1.0, 0.5
"""Semitones: a smaller step stands still, a larger one is no glide, nor is a larger turn."""
_LEAST_STEPS = 8
_LEAST_RANGE_DB = 9.0
_STEADY_DB = 4.0
_LEAST_LOW_SHARE = 0.4
_BANG = 30.0
"""Factor of the power of the voice in the middle from which on a sound is something else."""

_WINDOW = np.hanning(_FRAME).astype(np.float32)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _SPECTRUM)) ** 2)[: _LAGS.stop + 1]
_WINDOW_CORRELATION /= _WINDOW_CORRELATION[0]


class Course(IntEnum):
    """Course of the band's level in a hop."""

    STEADY = 0
    """Level that stays within 4 dB."""
    STEP = 1
    """Level that changes once, and is steady before and after."""
    LIVELY = 2


@dataclass(frozen=True, slots=True)
class ChannelMeasures:
    """Measures of one channel in one piece; levels in dBFS."""

    floor: float
    loudness: float
    course: tuple[int, ...]
    """Course of each hop, a `Course`."""
    peak: float
    """Peak as a factor of full scale."""

    @property
    def silent(self) -> bool:
        return self.peak == 0.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Speech in one channel of one piece: the power and the number of the blocks that have it."""

    power: float
    blocks: int


def levels(powers: NDArray[np.floating]) -> Levels:
    """Decibels of powers."""
    floor = 10 ** (SILENCE_DBFS / 10)
    found: Levels = 10 * np.log10(np.maximum(powers.astype(np.float64), floor))
    return found


def block_powers(sound: Floats) -> Levels:
    """Mean powers [channels, BLOCKS] of sound [channels, samples of a piece]."""
    cut = sound.reshape(len(sound), BLOCKS, -1)
    powers: Levels = np.einsum("cbt,cbt->cb", cut, cut).astype(np.float64) / cut.shape[2]
    return powers


def low_band(sound: Floats) -> Floats:
    """Means of four samples: [channels, samples / 4]."""
    low: Floats = sound[:, 0::_DECIMATION] + sound[:, 1::_DECIMATION]
    low += sound[:, 2::_DECIMATION]
    low += sound[:, 3::_DECIMATION]
    low *= np.float32(1 / _DECIMATION)
    return low


def band(low: Floats) -> Floats:
    """Differences of what `low_band` gave, of the same shape."""
    sloped = low.copy()
    sloped[:, 1:] -= low[:, :-1]
    return sloped


def correlations(sloped: Floats) -> tuple[Levels, Levels]:
    """Correlations of the channels in each hop, from their band.

    Gives powers [hops, channels] and correlations [hops, channels, channels] within [-1, 1]: of the
    whole band and of its part below 500 Hz, whichever is nearer to 0, and 0 where they differ in
    sign.  Two microphones a few decimetres apart have some pitches in phase and others out of it;
    only a channel that was turned over has all.
    """
    powers, whole = _correlations(sloped)
    _, lowest = _correlations(low_band(sloped))
    nearer = np.where(np.abs(whole) < np.abs(lowest), whole, lowest)
    return powers, np.where(whole * lowest > 0, nearer, 0.0)


def _correlations(sound: Floats) -> tuple[Levels, Levels]:
    channels, samples = sound.shape
    hops = sound.reshape(channels, HOPS, samples // HOPS).transpose(1, 0, 2)
    gram = np.matmul(hops, hops.transpose(0, 2, 1)).astype(np.float64) / (samples // HOPS)
    powers: Levels = np.einsum("hcc->hc", gram)
    scale = np.sqrt(powers[:, :, None] * powers[:, None, :])
    return powers, np.divide(gram, scale, out=np.zeros_like(gram), where=scale > 1e-15)


def quantile(values: Levels, share: float) -> Levels:
    """The value that so large a share of the last axis does not reach."""
    ordered = np.sort(values, axis=-1)
    found: Levels = ordered[..., int(share * (values.shape[-1] - 1))]
    return found


def courses(levels: Levels) -> tuple[int, ...]:
    """The `Course` of each hop, from levels of the band in its blocks [HOPS * blocks a hop]."""
    hops = levels.reshape(HOPS, -1)
    lively = np.ptp(hops, axis=1) >= _STEADY_DB
    found = [int(Course.STEADY)] * HOPS
    for hop in np.flatnonzero(lively):
        jump = int(np.abs(np.diff(hops[hop])).argmax()) + 1
        parts = hops[hop, :jump], hops[hop, jump:]
        steady = all(float(np.ptp(part)) < _STEADY_DB for part in parts)
        found[hop] = int(Course.STEP if steady else Course.LIVELY)
    return tuple(found)


def find_voice(low: Floats, sloped: Floats, powers: Levels, band_range: float) -> Voice | None:
    """Speech in one channel of a whole piece, if it has any.

    `low` and `sloped` are what `low_band` and `band` give of it [samples / 4], `powers` those of
    its blocks in full, `band_range` its range in the band.
    """
    if band_range < _LEAST_RANGE_DB:
        return None
    steps, still = _pitch_steps(sloped)
    in_block = np.zeros(BLOCKS * _FRAMES_A_BLOCK)
    in_block[: len(steps)] = steps
    glides = in_block.reshape(BLOCKS, _FRAMES_A_BLOCK).sum(axis=1)
    low_powers = np.square(low).reshape(BLOCKS, -1).mean(axis=1)
    glides *= low_powers > _LEAST_LOW_SHARE * powers
    if glides.sum() < max(_LEAST_STEPS, still):
        return None
    voiced = glides > 0
    voiced &= powers <= _BANG * np.median(powers[voiced])
    return Voice(float(powers[voiced].sum()), int(voiced.sum()))


def _pitch_steps(sloped: Floats) -> tuple[NDArray[np.bool_], int]:
    """Tell for each frame whether its pitch glides to the next, and how many stand still."""
    frames = np.lib.stride_tricks.sliding_window_view(sloped, _FRAME)[::_FRAME_STEP]
    spectrum = np.abs(np.fft.rfft(frames * _WINDOW, _SPECTRUM)) ** 2
    correlation = np.fft.irfft(spectrum)[:, : _LAGS.stop + 1]
    power = correlation[:, 0] + 1e-30
    correlation = correlation / (power[:, None] * _WINDOW_CORRELATION)
    lag = _LAGS.start + correlation[:, _LAGS].argmax(axis=1)
    frame = np.arange(len(lag))
    before, at, behind = (correlation[frame, lag + shift] for shift in (-1, 0, 1))
    shift = (before - behind) / (2 * (before - 2 * at + behind) - 1e-12)
    pitch = 12 * np.log2(_BAND_RATE / (lag + np.clip(shift, -0.5, 0.5)))
    loud = 10 * np.log10(power)
    voiced = (at > _VOICED) & (loud > np.quantile(loud, 0.95) - _FAINT_DB)
    step = np.diff(pitch)
    both = voiced[1:] & voiced[:-1]
    glide = both & (np.abs(step) > _STILL) & (np.abs(step) < _LEAP)
    return glide, int((both & (np.abs(step) <= _STILL)).sum())
