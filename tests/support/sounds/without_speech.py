"""Sixty clips in which nobody speaks: noises, machines, animals, signals and music.

Each is float32 at 16 kHz, 1.0 = full scale, and the same whenever it is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.float64]
Maker = Callable[[Sound, np.random.Generator], Sound]


@dataclass(frozen=True, slots=True)
class Clip:
    """Clip without speech: its kind, and the level of its peak in dBFS."""

    kind: str
    peak_dbfs: float
    seconds: float = 12.0

    @property
    def name(self) -> str:
        return f"{self.kind} at {self.peak_dbfs:.0f} dBFS"

    def sound(self) -> NDArray[np.float32]:
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        time = np.arange(round(self.seconds * RATE)) / RATE
        made = KINDS[self.kind](time, rng)
        return (made * (10 ** (self.peak_dbfs / 20) / np.abs(made).max())).astype(np.float32)


def _coloured(time: Sound, rng: np.random.Generator, slope: float, low_hz: float = 20) -> Sound:
    """Noise whose amplitude falls with frequency to the power of `slope`."""
    spectrum = np.fft.rfft(rng.standard_normal(len(time)))
    frequency = np.fft.rfftfreq(len(time), 1 / RATE)
    shape = np.where(frequency < low_hz, 0, np.maximum(frequency, low_hz) ** -slope)
    return np.fft.irfft(spectrum * shape, len(time))


def _band(time: Sound, rng: np.random.Generator, low_hz: float, high_hz: float) -> Sound:
    spectrum = np.fft.rfft(rng.standard_normal(len(time)))
    frequency = np.fft.rfftfreq(len(time), 1 / RATE)
    made = np.fft.irfft(spectrum * ((frequency > low_hz) & (frequency < high_hz)), len(time))
    return made / made.std()


def _at(time: Sound, starts: Sound, one: Callable[[int], Sound]) -> Sound:
    """The sounds that `one` makes, begun at `starts`, in seconds."""
    made = np.zeros(len(time))
    for number, start in enumerate(starts):
        first = int(start * RATE)
        sound = one(number)[: len(time) - first]
        made[first : first + len(sound)] += sound
    return made


def _decaying(seconds: float, half_s: float) -> Sound:
    return 0.5 ** (np.arange(int(seconds * RATE)) / RATE / half_s)


def _white(time: Sound, rng: np.random.Generator) -> Sound:
    return rng.standard_normal(len(time))


def _pink(time: Sound, rng: np.random.Generator) -> Sound:
    return _coloured(time, rng, 0.5)


def _brown(time: Sound, rng: np.random.Generator) -> Sound:
    return _coloured(time, rng, 1.0)


def _hum(time: Sound, rng: np.random.Generator) -> Sound:
    overtones = [(n, rng.uniform(0.2, 1) / n, rng.uniform(0, 6)) for n in range(1, 9)]
    hum = sum(a * np.sin(2 * np.pi * 50 * n * time + phase) for n, a, phase in overtones)
    return np.asarray(hum) + 0.01 * rng.standard_normal(len(time))


def _fan(time: Sound, rng: np.random.Generator) -> Sound:
    turning = 1 + 0.3 * np.sin(2 * np.pi * 2.3 * time) + 0.1 * np.sin(2 * np.pi * 0.3 * time)
    blades = 0.2 * np.sin(2 * np.pi * 118 * time) + 0.1 * np.sin(2 * np.pi * 236 * time)
    noise = _coloured(time, rng, 0.7)
    return turning * (noise / noise.std() + blades)


def _clicks(time: Sound, rng: np.random.Generator) -> Sound:
    starts = np.sort(rng.uniform(0, time[-1], 25))
    noise = rng.standard_normal(25)
    made = _at(time, starts, lambda n: noise[n] * _decaying(0.01, 0.0005))
    return made + 1e-4 * rng.standard_normal(len(time))


def _keyboard(time: Sound, rng: np.random.Generator) -> Sound:
    starts = np.cumsum(rng.gamma(3, 0.055, 80))
    starts = starts[starts < time[-1] - 0.2]

    def key(number: int) -> Sound:
        press = rng.standard_normal(800) * _decaying(0.05, 0.004)
        ring = np.sin(2 * np.pi * rng.uniform(900, 2500) * np.arange(800) / RATE)
        return rng.uniform(0.4, 1) * (press + 0.7 * ring * _decaying(0.05, 0.008))

    return _at(time, starts, key) + 0.003 * _pink(time, rng) / 0.02


def _doors(time: Sound, rng: np.random.Generator) -> Sound:
    thud = _band(time, rng, 40, 700)

    def door(number: int) -> Sound:
        return rng.uniform(0.3, 1) * thud[number * 9000 :][:9600] * _decaying(0.6, 0.05)

    steps = _at(time, np.arange(0.3, time[-1] - 1, 0.9), door)
    return steps + 0.002 * rng.standard_normal(len(time))


def _beeps(time: Sound, rng: np.random.Generator) -> Sound:
    on = (time % 1.0) < 0.3
    return on * np.sin(2 * np.pi * rng.choice([440.0, 1000.0, 2100.0]) * time) + 1e-4


def _hold_tone(time: Sound, rng: np.random.Generator) -> Sound:
    on = (time % 5.0) < 1.0
    return on * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time))


def _music(time: Sound, rng: np.random.Generator) -> Sound:
    """Chords that are struck and die away, with a melody over them."""
    chords = [(131, 165, 196), (110, 131, 165), (87, 110, 131), (98, 123, 147)]
    made = np.zeros(len(time))
    for number, start in enumerate(np.arange(0, time[-1], 0.5)):
        notes = [*chords[number // 4 % 4], chords[number // 4 % 4][rng.integers(3)] * 4]
        length = time[: int(1.0 * RATE)]
        sound = sum(
            np.sin(2 * np.pi * note * h * length) / h**1.5 for note in notes for h in range(1, 7)
        ) * _decaying(1.0, 0.25)
        first = int(start * RATE)
        made[first : first + len(sound)] += np.asarray(sound)[: len(time) - first]
    return made


def _birds(time: Sound, rng: np.random.Generator) -> Sound:
    starts = np.sort(rng.uniform(0, time[-1] - 0.5, 30))

    def chirp(number: int) -> Sound:
        length = int(rng.uniform(0.05, 0.25) * RATE)
        t = np.arange(length) / RATE
        glide = rng.uniform(2000, 5000) + rng.uniform(-8000, 8000) * t
        trill = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(10, 40) * t)
        return np.hanning(length) * trill * np.sin(2 * np.pi * np.cumsum(glide) / RATE)

    return _at(time, starts, chirp) + 0.01 * _pink(time, rng) / 0.02


def _rain(time: Sound, rng: np.random.Generator) -> Sound:
    drops = (rng.random(len(time)) < 0.01) * rng.exponential(1, len(time))
    ring = np.sin(2 * np.pi * 2400 * np.arange(160) / RATE) * _decaying(0.01, 0.001)
    return np.convolve(drops, ring)[: len(time)] + 0.2 * rng.standard_normal(len(time))


def _dither(time: Sound, rng: np.random.Generator) -> Sound:
    return rng.integers(-1, 2, len(time)) + 0.0


def _engine(time: Sound, rng: np.random.Generator) -> Sound:
    """A car that changes gear: a pitch that wanders, with many overtones."""
    pitch = 45 + 35 * (time % 4) / 4 + np.cumsum(rng.standard_normal(len(time))) * 0.001
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    made = np.asarray(sum(np.sin(n * phase) / n for n in range(1, 20)))
    return made + 2 * _coloured(time, rng, 1.0) / _coloured(time, rng, 1.0).std() * 0.3


def _wind(time: Sound, rng: np.random.Generator) -> Sound:
    """Gusts over a microphone."""
    noise = _coloured(time, rng, 1.2)
    every = np.arange(0, time[-1] + 1, 0.5)
    gusts = np.interp(time, every, rng.gamma(1.0, 1, len(every)))
    return noise / noise.std() * (0.05 + gusts)


KINDS: dict[str, Maker] = {
    "white noise": _white,
    "pink noise": _pink,
    "brown noise": _brown,
    "mains hum": _hum,
    "fan": _fan,
    "clicks": _clicks,
    "keyboard": _keyboard,
    "doors and steps": _doors,
    "beeps": _beeps,
    "hold tone": _hold_tone,
    "music": _music,
    "birds": _birds,
    "rain": _rain,
    "dither": _dither,
    "engine": _engine,
    "wind": _wind,
}

CLIPS = [
    *(Clip(kind, level) for kind in KINDS for level in (-80.0, -62.0, -30.0)),
    *(Clip(kind, -3.0) for kind in list(KINDS)[:12]),
]
"""Sixty."""
