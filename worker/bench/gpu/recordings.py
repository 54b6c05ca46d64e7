"""Recordings of any length from the bundled sample meeting: nothing is downloaded."""

from __future__ import annotations

import random
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from worker import demo_model
from worker.audio.decode import decode
from worker.recogniser import SAMPLE_RATE, Pcm


@dataclass(frozen=True, slots=True)
class Recordings:
    """The long one twice, and the beginning of it once more for what is slow."""

    wav: Path
    m4a: Path
    short_wav: Path
    short_pcm: Path
    """The samples of `short_wav`, int16 little-endian."""
    seconds: float
    short_seconds: float


_AAC_SAMPLES = 1_024
"""Samples of each channel in a packet."""

UNIT_S = 600.0
"""Seconds that are made afresh; what is longer repeats them, for AAC is slow to encode."""


def make_recordings(folder: Path, seconds: float, short_seconds: float) -> Recordings:
    """Write them into `folder`; an hour takes some 20 s of one core, nearly all of it for AAC."""
    unit = looped_meeting(min(seconds, UNIT_S))
    repeats = max(1, round(seconds / UNIT_S))
    pcm = np.tile(unit, repeats)
    short = pcm[: int(short_seconds * SAMPLE_RATE)]
    made = Recordings(
        wav=folder / "long.wav",
        m4a=folder / "long.m4a",
        short_wav=folder / "short.wav",
        short_pcm=folder / "short.pcm",
        seconds=len(pcm) / SAMPLE_RATE,
        short_seconds=len(short) / SAMPLE_RATE,
    )
    write_wav(made.wav, pcm)
    write_m4a(made.m4a, unit, repeats)
    write_wav(made.short_wav, short)
    short.astype("<i2").tofile(made.short_pcm)
    return made


def looped_meeting(seconds: float, seed: int = 0) -> Pcm:
    """The sample meeting again and again, each time from another place and at another level, so
    that no two rounds are cut alike."""
    with decode(demo_model.SAMPLE_MEETING) as audio:
        meeting = np.concatenate(list(audio))
    chance = random.Random(seed)
    rounds = []
    for _ in range(int(seconds * SAMPLE_RATE) // len(meeting) + 1):
        turned = np.roll(meeting, -chance.randrange(len(meeting)))
        level = chance.uniform(0.5, 1.0)
        rounds.append((turned * level).astype(np.int16))
    looped: Pcm = np.concatenate(rounds)[: int(seconds * SAMPLE_RATE)]
    return looped


def write_wav(path: Path, pcm: Pcm) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.astype("<i2").tobytes())


def write_m4a(path: Path, pcm: Pcm, repeats: int) -> None:
    """`repeats` times the same AAC, at 44.1 kHz in two channels, as meeting rooms record."""
    rate, block = 44_100, 60 * SAMPLE_RATE
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "stereo"
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        packets = []
        for begin in range(0, len(pcm), block):
            samples = np.ascontiguousarray(pcm[None, begin : begin + block])
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            for resampled in resampler.resample(frame):
                packets += stream.encode(resampled)
        for resampled in resampler.resample(None):
            packets += stream.encode(resampled)
        packets += stream.encode(None)
        for number in range(repeats * len(packets)):
            packet = av.Packet(bytes(packets[number % len(packets)]))
            packet.stream, packet.time_base = stream, Fraction(1, rate)
            packet.pts = packet.dts = number * _AAC_SAMPLES
            packet.duration = _AAC_SAMPLES
            container.mux(packet)
