"""Recordings for tests: any samples, written by FFmpeg itself in every container that we take.

    encode(samples, tmp_path / "meeting.mp4", "mp4")

`KINDS` names what can be written; `signal(seconds)` makes sound whose place in time can be found
again after any codec, and `lag_s` finds it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from worker.audio.decode import DecodeLimits, decode

RATE = 16_000
Pcm = NDArray[np.int16]

_FRAME = 1600  # a tenth of a second: one picture is written for each
_VIDEO_SIZE = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of recording that FFmpeg writes. `video` is the picture's codec, if any."""

    container: str
    codec: str
    rate: int
    video: str | None = None
    layout: str = "mono"
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)


KINDS = {
    "wav": Kind("wav", "pcm_s16le", 16_000),
    "wav-48k-stereo": Kind("wav", "pcm_s24le", 48_000, layout="stereo"),
    "mp3": Kind("mp3", "libmp3lame", 44_100),
    "mp3-22k": Kind("mp3", "libmp3lame", 22_050),
    "m4a": Kind("ipod", "aac", 44_100),
    "aac": Kind("adts", "aac", 44_100),
    "flac": Kind("flac", "flac", 16_000),
    "ogg": Kind("ogg", "libopus", 48_000),
    "ogg-vorbis": Kind(
        "ogg", "vorbis", 44_100, layout="stereo", options={"strict": "experimental"}
    ),
    "ogg-flac": Kind("ogg", "flac", 16_000),
    "webm": Kind("webm", "libopus", 48_000),
    "webm-video": Kind("webm", "libopus", 48_000, video="libvpx"),
    "mp4": Kind("mp4", "aac", 44_100, video="mpeg4", layout="stereo"),
    "mov": Kind("mov", "pcm_s16le", 48_000, video="mpeg4"),
    "m4a-alac": Kind("ipod", "alac", 44_100),
    "mkv": Kind("matroska", "ac3", 48_000, video="mpeg4", layout="stereo"),
    "avi": Kind("avi", "libmp3lame", 44_100, video="mpeg4"),
    "flv": Kind("flv", "libmp3lame", 44_100, video="flv"),
    "ts": Kind("mpegts", "mp2", 48_000, video="mpeg2video"),
    "amr": Kind("amr", "libopencore_amrnb", 8_000),
    "3gp": Kind("3gp", "libopencore_amrnb", 8_000),
    "wma": Kind("asf", "wmav2", 44_100, bit_rate=96_000),
    "aiff": Kind("aiff", "pcm_s16be", 44_100),
    "caf": Kind("caf", "pcm_s16le", 16_000),
    "au": Kind("au", "pcm_mulaw", 8_000),
    "w64": Kind("w64", "pcm_s16le", 16_000),
    "wv": Kind("wv", "wavpack", 16_000),
    "tta": Kind("tta", "tta", 16_000),
}


def encode(
    samples: Pcm,
    path: Path,
    kind: str,
    *,
    start_s: float = 0.0,
    hole: tuple[float, float] | None = None,
) -> Path:
    """Write 16 kHz mono `samples` to `path` as `kind` and give `path` back.

    start_s delays the sound against the picture; hole = (at_s, length_s) leaves a stretch out of
    the timestamps, as a recorder does that lost its input.
    """
    how = KINDS[kind]
    with av.open(str(path), "w", format=how.container) as container:
        sound = container.add_stream(
            how.codec, rate=how.rate, layout=how.layout, options=how.options
        )
        assert isinstance(sound, AudioStream)
        if how.bit_rate is not None:
            sound.bit_rate = how.bit_rate
        picture = None if how.video is None else _add_picture(container, how.video)
        for number, frame in enumerate(_frames(samples, start_s, hole)):
            if picture is not None:
                _draw(container, picture, number)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        if picture is not None:
            container.mux(picture.encode(None))
    return path


def _frames(
    samples: Pcm, start_s: float, hole: tuple[float, float] | None
) -> Iterator[av.AudioFrame]:
    for at in range(0, len(samples), _FRAME):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, at : at + _FRAME]), format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        lost = hole[1] if hole is not None and at >= hole[0] * RATE else 0.0
        frame.pts = at + round((start_s + lost) * RATE)
        yield frame


def _add_picture(container: OutputContainer, codec: str) -> VideoStream:
    # MPEG-2 knows only the rates of television.
    picture = container.add_stream(codec, rate=25 if codec == "mpeg2video" else 10)
    assert isinstance(picture, VideoStream)
    picture.width = picture.height = _VIDEO_SIZE
    picture.pix_fmt = "yuv420p"
    return picture


def _draw(container: OutputContainer, stream: VideoStream, number: int) -> None:
    shade = np.full((_VIDEO_SIZE * 3 // 2, _VIDEO_SIZE), 16 + number % 200, dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(shade, format="yuv420p")
    frame.pts = number
    frame.time_base = Fraction(1, 10)
    container.mux(stream.encode(frame))


def signal(seconds: float, seed: int = 7) -> Pcm:
    """Tones of 80-300 ms between pauses, 300-3,000 Hz, so that they pass through every codec."""
    random = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * RATE))
    at = round(0.1 * RATE)
    while at < len(sound):
        length = int(random.integers(RATE * 8 // 100, RATE * 3 // 10))
        time = np.arange(min(length, len(sound) - at)) / RATE
        sound[at : at + length] = 8000 * np.sin(2 * np.pi * random.uniform(300, 3000) * time)
        at += length + int(random.integers(RATE * 5 // 100, RATE * 3 // 10))
    return sound.astype(np.int16)


def lag_s(decoded: Pcm, reference: Pcm) -> float:
    """Seconds by which `decoded` is late against `reference`, to the nearest 2 ms."""
    step = RATE // 500

    def envelope(samples: Pcm) -> NDArray[np.float64]:
        whole = samples[: len(samples) // step * step].astype(np.float64)
        loudness = np.abs(whole).reshape(-1, step).mean(axis=1)
        return np.asarray(loudness - loudness.mean())

    late, base = envelope(decoded), envelope(reference)
    size = 1 << (len(late) + len(base)).bit_length()
    spectrum = np.fft.rfft(late, size) * np.conj(np.fft.rfft(base, size))
    best = int(np.argmax(np.fft.irfft(spectrum, size)))
    return (best - size if best > size // 2 else best) * step / RATE


def decoded_samples(path: Path, **limits: float) -> int:
    """Decode a file to its end within these limits and count the samples."""
    with decode(path, limits=DecodeLimits(**limits)) as audio:  # type: ignore[arg-type]
        return sum(len(block) for block in audio)


def wav_header(claimed_bytes: int) -> bytes:
    """WAV header for 16-bit mono samples at 16 kHz that claims this many bytes, whatever
    follows."""
    layout = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    size = struct.pack("<I", min(claimed_bytes + 36, 0xFFFFFFFF))
    return b"RIFF" + size + b"WAVEfmt " + layout + b"data" + struct.pack("<I", claimed_bytes)


def long_wav(path: Path, hours: int) -> Path:
    """Hours of silence that take no room on disk: the file is sparse."""
    size = hours * 3600 * RATE * 2
    with path.open("wb") as file:
        file.write(wav_header(size))
        file.truncate(44 + size)
    return path
