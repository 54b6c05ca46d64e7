"""Decode one part of a recording, packet by packet, to the outputs of its tracks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from worker.audio.decoder import formats
from worker.audio.decoder.container_clock import MOST_JUMPS, ContainerClock
from worker.audio.decoder.parts.flac import largest_frame
from worker.audio.decoder.resampling import TrackOutput

_MAX_CONSECUTIVE_READ_ERRORS = 10
"""A demuxer often recovers at the next packet, but one that fails in place never ends."""

_MAX_HEADER_SECONDS = 10_000_000.0
"""Headers of damaged files claim centuries; such a figure is no estimate."""

_LITTLE = re.compile(r"pcm_[sf]\d+le")
_TAGS = (b"ID3", b"TAG", b"APE")

_ENCRYPTED: Final = "encryption_info"
"""PyAV's name of what FFmpeg tells of a packet that is encrypted; it does not decrypt it."""
_PROTECTED = frozenset(("drms", "aavd"))
"""Kinds of track under iTunes' and Audible's copy protection, which FFmpeg takes for plain AAC."""

_MOST_PLACES = 100
"""Damaged places that are listed."""


@dataclass(slots=True)
class TrackTally:
    """Result of decoding one track. `damaged`: (seconds into the recording, seconds lost, 0 if
    unknown) of packets that could not be decoded. `is_encrypted`: some were encrypted."""

    number: int
    samples: int = 0
    corrupt_packets: int = 0
    damaged: list[tuple[float, float]] = field(default_factory=list)
    jumps: list[tuple[float, float, bool]] = field(default_factory=list)
    drift_s: float = 0.0
    is_encrypted: bool = False


def is_decodable(track: AudioStream) -> bool:
    """Return whether this sound track can, and may, be decoded."""
    # `codec_context` is None, against its annotation, where FFmpeg has no decoder at all.
    return bool(track.codec_context) and track.codec_context.name in formats.DECODERS


def header_seconds(container: InputContainer) -> float | None:
    """Seconds that the container tells, or that FFmpeg reckons; None where they are absurd."""
    seconds = 0.0
    if container.duration is not None:
        seconds = container.duration / av.time_base
    else:
        for track in container.streams.audio:
            if track.duration is not None and track.time_base is not None:
                seconds = max(seconds, float(track.duration * track.time_base))
    return seconds if 0.0 < seconds <= _MAX_HEADER_SECONDS else None


class Part:
    """Decoding of one of the joined recordings."""

    def __init__(
        self,
        container: InputContainer,
        numbers: list[int],
        tallies: list[TrackTally],
        outputs: list[TrackOutput],
        offset: float,
        *,
        is_first: bool,
        is_rifx: bool = False,
    ) -> None:
        self._container = container
        self._tracks: dict[int, _Track] = {}
        found = container.streams.audio
        for number, tally, output in zip(numbers, tallies, outputs, strict=True):
            if number <= len(found) and is_decodable(found[number - 1]):
                stream = found[number - 1]
                stream.codec_context.thread_count = 1  # no thread may start behind the filter
                clock = _clock(container, offset, is_first=is_first)
                if formats.interleaves(container.format.name):
                    clock.others_at = self._position
                self._tracks[stream.index] = _Track(stream, clock, tally, output, is_rifx=is_rifx)
        for other in container.streams:
            if other.index not in self._tracks:
                # Lets demuxers with an index leap over the picture instead of reading it.
                other.discard = Discard.all
        self.end_s = offset
        self.last_frame: tuple[int, int] | None = None
        """Byte at which the last frame begins in what was opened, and the one at which it ends at
        the latest; known of FLAC, to whose last frame FFmpeg adds what follows, and of TTA, which
        it reads no further than the table tells."""

    def _position(self) -> float:
        return max(track.clock.position for track in self._tracks.values())

    def decode(self, sizes: set[int]) -> None:
        """Decode to the end. `sizes` collects those of the first track's packets, up to a few."""
        tracks = self._tracks
        if not tracks:
            return
        first = min(tracks)
        streams = [track.stream for track in tracks.values()]
        last = None
        errors = 0
        while errors < _MAX_CONSECUTIVE_READ_ERRORS:
            try:
                for packet in packets_of(self._container, streams):
                    errors = 0
                    # Not `stream_index`, which is 0 for the packet that ends a stream.
                    track = tracks[packet.stream.index]
                    last = packet if packet.size else last
                    if packet.stream.index == first and len(sizes) < 3 and packet.size:
                        sizes.add(packet.size // 8)  # MP3 pads a frame by a byte now and then
                    track.decode(packet)
                break
            except MemoryError:
                raise
            except av.FFmpegError:
                errors += 1
                tracks[first].damage(0.0)
        if last is not None:
            self._note_last(last, streams[0])
        for track in tracks.values():
            track.finish()
            self.end_s = max(self.end_s, track.clock.position)

    def _note_last(self, last: Packet[AudioStream], stream: AudioStream) -> None:
        name = self._container.format.name
        if last.pos is not None and name in ("flac", "tta"):
            largest = largest_frame(stream.codec_context.extradata or b"")
            size = min(last.size, largest or last.size) if name == "flac" else last.size
            self.last_frame = last.pos, last.pos + size


def packets_of(
    container: InputContainer, streams: list[AudioStream]
) -> Iterator[Packet[AudioStream]]:
    """Yield all packets of the streams, and an empty one after each stream's last."""
    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, IndexError):
            # PyAV counts one stream too many at the end, if one appeared while it was reading.
            return
        yield cast("Packet[AudioStream]", packet)


class _Track:
    """A sound track of one part."""

    def __init__(
        self,
        stream: AudioStream,
        clock: ContainerClock,
        tally: TrackTally,
        output: TrackOutput,
        *,
        is_rifx: bool,
    ) -> None:
        self.stream = stream
        self.clock = clock
        self._decoder = _decoder(stream, is_rifx=is_rifx)
        self._tally = tally
        self._output = output
        self._held: AudioFrame | None = None
        self._is_protected = _is_protected(stream)
        self._counts_samples = formats.counts_samples(stream.container.format.name)
        self._may_be_encrypted = formats.may_be_encrypted(stream.container.format.name)

    def decode(self, packet: Packet[AudioStream]) -> None:
        if packet.size and (
            self._is_protected or (self._may_be_encrypted and packet.has_sidedata(_ENCRYPTED))
        ):
            # Of what decodes at all, as of Opus anything does, it would make noise.
            self._tally.is_encrypted = True
            self.damage(_seconds(packet))
            return
        try:
            frames = self._decoder.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            # Where MP3 files were joined, the tag of the second comes with its first frame.
            if bytes(packet)[:3] not in _TAGS:
                self.damage(_seconds(packet))
                if self._counts_samples:
                    self._place_held(None)
                    self.clock.lose(_seconds(packet))
            return
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.samples and frame.sample_rate > 0:
                self._place_held(frame.time)
                self._held = frame

    def _place_held(self, following: float | None) -> None:
        """Place the frame that waited for the timestamp of the next one."""
        held, self._held = self._held, None
        if held is not None:
            self._place(held, following)

    def finish(self) -> None:
        self._place_held(None)
        self._output.finish()
        self._tally.samples = self._output.samples
        room = max(0, MOST_JUMPS - len(self._tally.jumps))
        self._tally.jumps += self.clock.jumps[:room]
        self._tally.drift_s += self.clock.drift

    def damage(self, seconds: float) -> None:
        """Note that something here could not be decoded."""
        self._tally.corrupt_packets += 1
        if len(self._tally.damaged) < _MOST_PLACES:
            self._tally.damaged.append((self.clock.position, seconds))

    def _place(self, frame: AudioFrame, following: float | None) -> None:
        heard = self.clock.place(frame.time, frame.samples / frame.sample_rate, following)
        try:
            self._output.add(frame, heard)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):  # a rate or layout that cannot be converted
            self.damage(frame.samples / frame.sample_rate)


def _is_protected(stream: AudioStream) -> bool:
    """Return whether the track is under a shop's copy protection."""
    try:
        return stream.codec_context.codec_tag in _PROTECTED
    except UnicodeDecodeError:  # PyAV reads four bytes of any container as text; G.722 has 0x8f
        return False


def _seconds(packet: Packet[AudioStream]) -> float:
    """The length of a packet as its container tells it; 0 where it does not."""
    return float(packet.duration * packet.time_base) if packet.duration else 0.0


def coding(stream: AudioStream, *, is_rifx: bool) -> str:
    """FFmpeg's name of the stream's coding. In a RIFX, a WAV whose numbers all begin with the
    largest byte, FFmpeg heeds that in the header and not in the samples."""
    name = stream.codec_context.name
    return name[:-2] + "be" if is_rifx and _LITTLE.fullmatch(name) else name


def _decoder(stream: AudioStream, *, is_rifx: bool) -> AudioCodecContext:
    """Return the stream's own decoder; another for the samples of a RIFX, and libopus for Opus,
    where it is there.

    Of packets of 40 ms and more with FEC, as programs for calls send them, FFmpeg's own makes noise
    that is 100 dB above full scale.
    """
    own = stream.codec_context
    name = coding(stream, is_rifx=is_rifx)
    if name != own.name:
        swapped = cast("AudioCodecContext", CodecContext.create(name, "r"))
        swapped.thread_count = 1
        swapped.sample_rate, swapped.layout = own.sample_rate, own.layout.name
        return swapped
    if own.name != "opus" or "libopus" not in av.codecs_available:
        return own
    context = CodecContext.create("libopus", "r")
    context.options = {"request_sample_fmt": "flt"}
    context.thread_count = 1
    context.extradata = own.extradata
    if own.channels:
        context.sample_rate, context.layout = own.sample_rate, own.layout.name
    return context


def _clock(container: InputContainer, offset: float, *, is_first: bool) -> ContainerClock:
    name = container.format.name
    start = (container.start_time or 0) / av.time_base
    length = header_seconds(container)
    zero_is_zero = is_first and formats.starts_at_zero(name)
    told = length if formats.tells_its_end(name) else None
    return ContainerClock(
        zero=0.0 if zero_is_zero else start,
        offset=offset,
        has_clock=formats.has_clock(name),
        told_end=None if told is None else offset + told + (start if zero_is_zero else 0.0),
    )
