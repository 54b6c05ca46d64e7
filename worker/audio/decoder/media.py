"""Open an untrusted recording and turn its sound into 16 kHz mono samples, in a bounded space.

PyAV is given an open file and nothing else: the only protocol allowed is `fd`, which can open
nothing, only containers that hold recordings are probed (no playlists, no scripts, no images),
and only audio decoders may start, so that a video's picture is never decoded, not even to
look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports both on first use, when no file can be opened any more
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition

from worker.audio.decoder.timeline import Timeline

SAMPLE_RATE = 16_000
"""Samples a second that leave the child; `worker.audio.decode` checks it against the
recogniser's."""

CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,loas,matroska,mov,mp3,mpeg,mpegts,"
    "ogg,tta,w64,wav,wv"
)
"""Demuxers that may be tried: `mov` is also mp4, m4a and 3gp, `matroska` webm, `asf` wma.
Never hls, concat, dash, sdp, rtsp, image2 and their like: they follow references."""

_COMPRESSED = (
    "aac aac_latm ac3 adpcm_g722 adpcm_g726 adpcm_g726le adpcm_ima_qt adpcm_ima_wav adpcm_ms "
    "adpcm_swf adpcm_yamaha alac amrnb amrwb ape dca eac3 flac gsm gsm_ms libopus libspeex "
    "libvorbis mlp mp1 mp1float mp2 mp2float mp3 mp3float nellymoser opus speex truehd tta vorbis "
    "wavpack wmalossless wmapro wmav1 wmav2 wmavoice"
)
DECODERS = frozenset(_COMPRESSED.split()) | {
    name for name in av.codecs_available if name.startswith("pcm_")
}
"""FFmpeg's names of the audio decoders that may start."""

OPTIONS = {
    "protocol_whitelist": "fd",
    "format_whitelist": CONTAINERS,
    "codec_whitelist": ",".join(sorted(DECODERS)),
    # Large cover pictures stand before the sound in MP3 files; the default is 1 MB.
    "format_probesize": str(16 << 20),
}

_MAX_CONSECUTIVE_READ_ERRORS = 10
"""A demuxer often recovers at the next packet, but one that fails in place never ends."""

_MAX_HEADER_SECONDS = 10_000_000.0
"""Headers of damaged files claim centuries; such a figure is no estimate."""


class NoAudioStream(Exception):
    """A readable container without sound."""


class NothingDecoded(Exception):
    """There should be sound, and all of it is damaged or of a kind that we do not decode."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the container says of itself before a sample is decoded; it may be untrue."""

    duration_s: float | None
    container: str
    codec: str


@dataclass(slots=True)
class Tally:
    """What came of decoding: `samples` written, `silence_s` of them put into holes of the
    container, packets and frames that could not be decoded."""

    samples: int = 0
    corrupt_packets: int = 0
    silence_s: float = 0.0
    clock_resets: int = 0


def open_recording(descriptor: int) -> tuple[InputContainer, AudioStream, Header]:
    """Open the file behind `descriptor`, choose its sound, read its header.

    Raises NoAudioStream, NothingDecoded, av.FFmpegError, MemoryError.
    """
    container = av.open(
        "fd:", "r", options=OPTIONS | {"fd": str(descriptor)}, metadata_errors="replace"
    )
    stream = _choose_stream(container)
    for other in container.streams:
        if other.index != stream.index:
            # Lets demuxers with an index leap over the picture instead of reading it.
            other.discard = Discard.all
    stream.codec_context.thread_count = 1  # no second thread may start behind the filter
    header = Header(
        duration_s=_header_seconds(container, stream),
        container=container.format.name,
        codec=stream.codec_context.name,
    )
    return container, stream, header


def _choose_stream(container: InputContainer) -> AudioStream:
    """The track that a player would play: the one flagged as default, or the first.

    `codec_context` is None, against its annotation, where FFmpeg has no decoder at all.
    """
    tracks = container.streams.audio
    if not tracks:
        raise NoAudioStream
    playable = [s for s in tracks if s.codec_context and s.codec_context.name in DECODERS]
    if not playable:
        raise NothingDecoded
    flagged = [s for s in playable if s.disposition & Disposition.default]
    return (flagged or playable)[0]


def _header_seconds(container: InputContainer, stream: AudioStream) -> float | None:
    seconds = 0.0
    if container.duration is not None:
        seconds = container.duration / av.time_base
    elif stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    return seconds if 0.0 < seconds <= _MAX_HEADER_SECONDS else None


def decode_stream(
    container: InputContainer, stream: AudioStream, write: Callable[[memoryview], object]
) -> Tally:
    """Pass the whole sound of `stream` to `write` as 16-bit samples, in order.

    Damage inside is skipped and counted; the hole that it leaves is filled with silence like
    any other.  Raises NoAudioStream and NothingDecoded when no sample came out, MemoryError.
    """
    tally = Tally()
    start = container.start_time
    timeline = Timeline(origin=None if start is None else start / av.time_base)
    output = _Output(write)
    for frame, following in _with_following(_frames(container, stream, tally)):
        length = frame.samples / frame.sample_rate
        gap = timeline.place(frame.time, length, following.time if following else None)
        try:
            if gap > 0:
                output.silence_until(timeline.position - length)
            output.add(frame)
        except MemoryError:
            raise
        except av.FFmpegError:  # a sample rate or layout that cannot be converted
            tally.corrupt_packets += 1
    output.flush()
    tally.samples = output.samples
    tally.silence_s = round(timeline.silence, 3)
    tally.clock_resets = timeline.resets
    if tally.samples == 0:
        raise NothingDecoded if tally.corrupt_packets else NoAudioStream
    return tally


def _frames(container: InputContainer, stream: AudioStream, tally: Tally) -> Iterator[AudioFrame]:
    """Every frame that decodes.  What does not is counted in `tally` and left out."""
    errors = 0
    while errors < _MAX_CONSECUTIVE_READ_ERRORS:
        try:
            for packet in container.demux(stream):
                errors = 0
                try:
                    frames = packet.decode()
                except MemoryError:
                    raise
                except av.FFmpegError:
                    tally.corrupt_packets += 1
                    continue
                for frame in frames:
                    if isinstance(frame, AudioFrame) and frame.samples and frame.sample_rate > 0:
                        yield frame
            return
        except MemoryError:
            raise
        except av.FFmpegError:
            errors += 1
            tally.corrupt_packets += 1


def _with_following(
    frames: Iterator[AudioFrame],
) -> Iterator[tuple[AudioFrame, AudioFrame | None]]:
    held: AudioFrame | None = None
    for frame in frames:
        if held is not None:
            yield held, frame
        held = frame
    if held is not None:
        yield held, None


class _Output:
    """Frames of any format in, samples out, with silence where it is asked for."""

    _ZEROS = memoryview(bytes(2 * SAMPLE_RATE))

    def __init__(self, write: Callable[[memoryview], object]) -> None:
        self.samples = 0
        self._write = write
        self._resampler: AudioResampler | None = None
        self._source: tuple[str, str, int] | None = None

    def add(self, frame: AudioFrame) -> None:
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:
            # Joined recordings and broadcasts change format midway.
            self.flush()
            self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
            self._source = source
        assert self._resampler is not None
        self._emit(self._resampler.resample(frame))

    def flush(self) -> None:
        """Give out what the resampler still holds, so that `samples` is the exact position."""
        resampler, self._resampler, self._source = self._resampler, None, None
        if resampler is not None:
            self._emit(resampler.resample(None))

    def silence_until(self, position: float) -> None:
        self.flush()
        missing = round(position * SAMPLE_RATE) - self.samples
        while missing > 0:
            count = min(missing, SAMPLE_RATE)
            self._write(self._ZEROS[: 2 * count])
            self.samples += count
            missing -= count

    def _emit(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            # The plane is padded for alignment beyond the samples.
            self._write(memoryview(frame.planes[0])[: 2 * frame.samples])
            self.samples += frame.samples
