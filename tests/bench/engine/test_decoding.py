"""What it costs to decode an hour with every track and channel, beside what FFmpeg itself takes."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler

from tests.support.speech.demo_speech import meeting
from worker.audio.decode import decode
from worker.audio.decoder.resampling import SAMPLE_RATE

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one way to decode the hour."""

    child_s: float
    own_s: float


def stereo_aac(path: Path, seconds: int) -> Path:
    """Speech that arrives at two microphones, with noise of their own: 44.1 kHz, 128 kbit/s."""
    speech = meeting(seconds).samples.astype(np.float32)
    random = np.random.default_rng(1)
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        stream.bit_rate = 128_000
        for at in range(0, len(speech), SAMPLE_RATE):
            left = speech[at : at + SAMPLE_RATE]
            both = np.stack([left, np.roll(left, 3) * 0.8])
            both += random.normal(0, 60, both.shape)
            frame = av.AudioFrame.from_ndarray(
                both.clip(-32_000, 32_000).astype(np.int16), format="s16p", layout="stereo"
            )
            frame.sample_rate = SAMPLE_RATE
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frame_by_frame(path: Path, *, resampled: bool) -> float:
    """CPU seconds of decoding alone, or with every frame resampled to mono 16 bit by itself."""
    began = time.process_time()
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if resampled:
                for _ in resampler.resample(frame):
                    pass
    return time.process_time() - began


def product(path: Path) -> Cost:
    children, own = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    with decode(path) as audio:
        for _ in audio:
            pass
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    child_s = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return Cost(child_s, time.process_time() - own)


def test_an_hour_of_aac(tmp_path: Path) -> None:
    path = stereo_aac(tmp_path / "hour.m4a", HOUR_S)
    rounds = 3
    alone = min(frame_by_frame(path, resampled=False) for _ in range(rounds))
    singly = min(frame_by_frame(path, resampled=True) for _ in range(rounds))
    costs = [product(path) for _ in range(rounds)]
    best = min(costs, key=lambda cost: cost.child_s + cost.own_s)
    print(
        f"\nan hour of AAC, 44.1 kHz stereo, CPU seconds, the least of {rounds}:\n"
        f"  FFmpeg decodes, nothing else                  {alone:6.2f}\n"
        f"  each frame resampled to mono 16 bit by itself {singly:6.2f}\n"
        f"  our child, both channels in float             {best.child_s:6.2f}\n"
        f"  mixing, levels and the account                {best.own_s:6.2f}"
    )
    assert best.child_s < 1.1 * singly + 1.0
