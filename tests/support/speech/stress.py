"""Recordings that are hard to understand, made from clean ones: noise, rooms, telephones, music.

Everything takes and gives float32 audio at 16 kHz within [-1, 1], and the same generator gives the
same recording.
"""

import io
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE

_MP3_FRAME = 576
"""Samples of an MPEG-2 frame."""

Audio = NDArray[np.float32]
Stress = Callable[[Audio, np.random.Generator], Audio]

_CHORDS_HZ = (
    (261.6, 329.6, 392.0),
    (220.0, 261.6, 329.6),
    (174.6, 220.0, 261.6),
    (196.0, 246.9, 293.7),
)
"""C, A minor, F and G, a second each."""


def with_noise(decibel: float, colour: float = 0.0) -> Stress:
    """Noise so many decibels below the speech; `colour` 1 is brown, 0 white."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        noise = rng.standard_normal(len(audio))
        if colour:
            noise = signal.lfilter([1.0], [1.0, -colour], noise)
        return _mixed(audio, noise, decibel)

    return make


def with_music(decibel: float) -> Stress:
    """Chords of a synthesiser so many decibels below the speech."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        time = np.arange(len(audio)) / SAMPLE_RATE
        music = np.zeros(len(audio))
        for number, chord in enumerate(_CHORDS_HZ):
            sounds = (time.astype(int) % len(_CHORDS_HZ)) == number
            for note in chord:
                for overtone in (1, 2, 3, 4):
                    phase = rng.uniform(0, 2 * np.pi)
                    wave = np.sin(2 * np.pi * note * overtone * time + phase) / overtone
                    music += sounds * wave * np.exp(-2.0 * (time % 1.0))
        return _mixed(audio, music, decibel)

    return make


def over_another(other: Audio, decibel: float) -> Stress:
    """Add another person who speaks at the same time, this many decibels below."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        shift = int(rng.integers(len(other)))
        return _mixed(audio, np.resize(np.roll(other, shift), len(audio)), decibel)

    return make


def in_a_room(reverberation_s: float) -> Stress:
    """A room in which sound falls by 60 dB in so long, 3 m from the speaker."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        time = np.arange(int(reverberation_s * SAMPLE_RATE)) / SAMPLE_RATE
        room = rng.standard_normal(len(time)) * 10 ** (-3 * time / reverberation_s)
        room /= np.sqrt(np.square(room).sum())
        room[0] += 1.0  # the direct sound, as strong as all that comes back
        return _loud_as(audio, signal.fftconvolve(audio, room)[: len(audio)])

    return make


def by_telephone(rate: int = 8_000) -> Stress:
    """Resample to a lower rate and back, as a telephone does."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        down = signal.resample_poly(audio, 1, SAMPLE_RATE // rate)
        return _loud_as(audio, signal.resample_poly(down, SAMPLE_RATE // rate, 1)[: len(audio)])

    return make


def as_mp3(bits: int) -> Stress:
    """Compress to this many bits a second."""

    def make(audio: Audio, rng: np.random.Generator) -> Audio:
        file = io.BytesIO()
        samples = np.clip(audio * 32_767, -32_768, 32_767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.rate = SAMPLE_RATE
        with av.open(file, "w", format="mp3") as container:
            stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
            stream.bit_rate = bits
            framed = av.AudioResampler("s16p", "mono", SAMPLE_RATE, _MP3_FRAME)
            for part in [*framed.resample(frame), *framed.resample(None)]:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r") as container:
            floats = av.AudioResampler("flt", "mono", SAMPLE_RATE)
            decoded = [
                part.to_ndarray()[0]
                for frame in container.decode(audio=0)
                for part in floats.resample(frame)
            ]
        return np.resize(np.concatenate(decoded), len(audio)).astype(np.float32)

    return make


def _mixed(speech: Audio, other: NDArray[np.float64] | Audio, decibel: float) -> Audio:
    """Mix `other` at this many decibels below the speech, whose pauses are left out of the
    measure."""
    loud = speech[np.abs(speech) > 0.02 * np.abs(speech).max()]
    gain = np.sqrt(np.square(loud).mean() / np.square(other).mean()) * 10 ** (-decibel / 20)
    return _loud_as(speech, speech + gain * other)


def _loud_as(audio: Audio, changed: NDArray[np.float64]) -> Audio:
    """The changed recording with the peak of the first."""
    same: Audio = (changed * (np.abs(audio).max() / np.abs(changed).max())).astype(np.float32)
    return same
