"""Tracks sent through the mixer, cut up as a test likes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import soundfile
from numpy.typing import NDArray

from worker import demo_model
from worker.audio.mixing import Mixer, MixSummary, TrackFormat

RATE = 16_000
Floats = NDArray[np.float32]
Pcm = NDArray[np.int16]


@cache
def speech() -> Floats:
    """The first 48.2 s of the sample meeting."""
    samples, rate = soundfile.read(
        demo_model.SAMPLE_MEETING, dtype="float32", stop=round(48.2 * RATE)
    )
    assert rate == RATE
    sound: Floats = samples
    sound.setflags(write=False)
    return sound


def factor(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))


def as_pcm(sound: Floats) -> Pcm:
    """Round to 16 bits, as FFmpeg does."""
    return np.clip(np.rint(sound * np.float32(32_768)), -32_768, 32_767).astype(np.int16)


def mix(
    *tracks: Floats | Sequence[Floats], integer: bool = False, chunk_s: float = 3.0
) -> tuple[Pcm, MixSummary]:
    """Mix tracks, each a sound or its channels, given in turns of `chunk_s`."""
    sounds = [np.atleast_2d(np.asarray(track, np.float32)) for track in tracks]
    mixer = Mixer([TrackFormat(len(sound), integer) for sound in sounds])
    chunk = round(chunk_s * RATE)
    mixed = []
    for position in range(0, max(sound.shape[1] for sound in sounds), chunk):
        for number, sound in enumerate(sounds):
            part = sound[:, position : position + chunk]
            if part.shape[1]:
                mixer.add(number, position, part)
        mixed.append(mixer.take())
    for number in range(len(sounds)):
        mixer.end(number)
    mixed.append(mixer.finish())
    return np.concatenate(mixed), mixer.summary()
