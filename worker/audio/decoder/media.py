"""Open an untrusted recording and turn its sound into 16 kHz samples, in a bounded space.

PyAV is given something to read and nothing else: no protocol is allowed, so FFmpeg itself opens
nothing.  Every sound track is decoded with all of its channels, in floating point: what is loud
beyond full scale, or very quiet, is still whole when the worker decides about levels.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports both on first use, when no file can be opened any more
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from worker.audio.decoder import formats
from worker.audio.decoder.decode_part import Part, TrackTally, coding, header_seconds, is_decodable
from worker.audio.decoder.mp3 import has_table_of_contents
from worker.audio.decoder.parts import Parts, find_parts
from worker.audio.decoder.parts.trailers import unknown_bytes_behind_frame
from worker.audio.decoder.records import MOST_CHANNELS, MOST_TRACKS, RecordHeader
from worker.audio.decoder.resampling import TrackOutput
from worker.audio.decoder.sections import Section, SectionFile

_MOST_PARTS_LOOKED_AT = 50
"""Parts that are tried until one can be opened, and whose channels are counted before the first is
decoded."""

_LONGEST_TEXT = 200
"""Characters of a track's title."""

_SAYS_NOTHING = frozenset(
    ("", "und", "soundhandler", "soundhandle", "core media audio", "apple sound media handler")
)
"""Titles and languages that muxers write where nobody gave any."""

_READ_BYTES = 1 << 18
_HEAD_BYTES = 512

Write = Callable[[RecordHeader, list[memoryview]], None]


class NoAudioStream(Exception):
    """A readable container without sound."""


class NothingDecoded(Exception):
    """Recording with sound tracks of which nothing could be decoded: damaged, or of an unsupported
    kind."""


class Encrypted(Exception):
    """Recording of which all sound is encrypted."""


class NoSuchTrack(Exception):
    """The job asks for a sound track that the recording does not have."""


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """Claims of the container about one of its sound tracks; they may be untrue.

    number: from 1, among the sound tracks.  heard: whether it is decoded, and not only decodable.
    integer: whether its samples are integers, so that full scale is where they clip.
    """

    number: int
    codec: str
    channels: int
    sample_rate: int
    language: str | None
    title: str | None
    is_default: bool
    decodable: bool
    heard: bool
    integer: bool


@dataclass(frozen=True, slots=True)
class Header:
    """Claims of the container about itself before a sample is decoded; they may be untrue.

    duration_s: its length, also where that is only reckoned.  announced_s: None where it is.
    has_end_mark: False where the end is missing that the file's kind marks, or whose place it
    tells.  has_table_of_contents: False for MP3 in which players seek by guessing.  picture: the
    coding of its moving picture; None where it has none.
    """

    duration_s: float | None
    announced_s: float | None
    container: str
    tracks: tuple[TrackFacts, ...]
    parts: int
    bytes_behind_end: int
    seconds_behind_end: float | None
    has_end_mark: bool
    has_table_of_contents: bool
    picture: str | None


@dataclass(slots=True)
class Tally:
    """Result of decoding. `even_bit_rate`: packets of the first track were all alike.
    unheard_tracks: tracks beyond MOST_TRACKS, and those that appeared only behind the header or in
    a later part.  unheard_bytes: bytes behind the end of a part, tags and padding not counted, of
    which nothing could be read, and unheard_bytes_at: the second where they would be heard."""

    tracks: list[TrackTally]
    even_bit_rate: bool = True
    unheard_tracks: int = 0
    unheard_bytes: int = 0
    unheard_bytes_at: float = 0.0


class Recording:
    """The recording of `size` bytes behind `descriptor`: read its `header`, then `decode` it once.

    only_track: the number of the one track to decode; None: all of them.

    Opening raises NoAudioStream, NothingDecoded, NoSuchTrack, av.FFmpegError or MemoryError.
    """

    def __init__(self, descriptor: int, size: int, only_track: int | None = None) -> None:
        self._descriptor = descriptor
        self._parts = find_parts(descriptor, size)
        self._first, self._unread_parts = _open_first(descriptor, self._parts)
        self._parts = replace(self._parts, sections=self._parts.sections[self._unread_parts :])
        tracks = self._first.streams.audio
        if not tracks:
            raise NoAudioStream
        if only_track is not None and not 1 <= only_track <= len(tracks):
            raise NoSuchTrack
        self._hears_all = only_track is None
        self._numbers = [
            number
            for number, track in enumerate(tracks[:MOST_TRACKS], start=1)
            if is_decodable(track) and only_track in (None, number)
        ]
        if not self._numbers:
            raise NothingDecoded
        self.header = self._read_header()

    def decode(self, write: Write) -> Tally:
        """Pass the whole sound to `write`, in order of the file.

        Damage inside is skipped and counted.  Raises NoAudioStream, NothingDecoded and Encrypted
        when no sample came out, MemoryError.
        """
        tallies = [TrackTally(number) for number in self._numbers]
        outputs = [TrackOutput(index, write) for index in range(len(tallies))]
        sizes: set[int] = set()
        known, unheard = min(len(self._first.streams.audio), MOST_TRACKS), 0
        offset = 0.0
        tally = Tally(tallies)
        if self._unread_parts:
            tallies[0].corrupt_packets += self._unread_parts
            tallies[0].damaged.append((0.0, 0.0))
        for index, section in enumerate(self._parts.sections):
            container = self._first
            if index:
                try:
                    container = _open(self._descriptor, self._parts, index)
                except MemoryError:
                    raise
                except av.FFmpegError:
                    tallies[0].corrupt_packets += 1
                    tallies[0].damaged.append((offset, 0.0))
                    continue
            part = Part(
                container,
                self._numbers,
                tallies,
                outputs,
                offset,
                is_first=index == 0,
                is_rifx=self._is_rifx(index),
            )
            part.decode(sizes)
            more = len(container.streams.audio) - known if self._hears_all else 0
            unheard = max(unheard, more)
            offset = part.end_s
            if bytes_unheard := self._unheard_bytes(section, part):
                tally.unheard_bytes_at = tally.unheard_bytes_at or offset
                tally.unheard_bytes += bytes_unheard
            container.close()
        if not any(track.samples for track in tallies):
            if any(track.is_encrypted for track in tallies):
                raise Encrypted
            damaged = any(track.corrupt_packets for track in tallies)
            raise NothingDecoded if damaged else NoAudioStream
        tally.even_bit_rate, tally.unheard_tracks = len(sizes) <= 1, unheard
        return tally

    def _is_rifx(self, index: int) -> bool:
        return SectionFile(self._descriptor, self._parts.sections[index]).read(4) == b"RIFX"

    def _unheard_bytes(self, section: Section, part: Part) -> int:
        if part.last_frame is None:
            return section.bytes_unheard
        begin, end = (section.start + place for place in part.last_frame)
        return unknown_bytes_behind_frame(self._descriptor, begin, end, section.end)

    def _read_header(self) -> Header:
        first = self._first
        channels = dict.fromkeys(self._numbers, 1)
        for index in range(min(len(self._parts.sections), _MOST_PARTS_LOOKED_AT)):
            part = first if index == 0 else _open_or_none(self._descriptor, self._parts, index)
            for number, track in enumerate(part.streams.audio if part else (), start=1):
                if number in channels and track.codec_context:
                    channels[number] = max(channels[number], track.codec_context.channels)
        seconds = header_seconds(first)
        has_contents = first.format.name != "mp3" or has_table_of_contents(
            self._descriptor, self._parts.sections[0].start
        )
        behind = sum(section.bytes_behind for section in self._parts.sections)
        bytes_a_second = (first.streams.audio[0].codec_context.bit_rate or 0) / 8
        return Header(
            duration_s=seconds,
            announced_s=self._announced_s(seconds, has_contents),
            container=first.format.name,
            tracks=tuple(
                _facts(
                    track,
                    number,
                    number in channels,
                    channels.get(number),
                    is_rifx=self._is_rifx(0),
                )
                for number, track in enumerate(first.streams.audio, start=1)
            )[:MOST_TRACKS],
            parts=self._unread_parts + len(self._parts.sections),
            bytes_behind_end=behind,
            seconds_behind_end=behind / bytes_a_second if behind and bytes_a_second else None,
            has_end_mark=self._parts.has_end_mark and not self._parts.is_cut,
            has_table_of_contents=has_contents,
            picture=_picture(first),
        )

    def _announced_s(self, seconds: float | None, has_contents: bool) -> float | None:
        """The length of its sound that the file itself tells, from 0 on; None if it does not.

        Beside a picture the container's length may be the picture's, so it counts only where the
        file is cut off.
        """
        first = self._first
        name = first.format.name
        reckoned = not (formats.announces_length(name) or (name == "mp3" and has_contents))
        if len(self._parts.sections) > 1 or reckoned:
            return None
        if seconds is not None and formats.counts_length_from_zero(name):
            seconds -= (first.start_time or 0) / av.time_base
        if _picture(first) is None or self._parts.is_cut:
            return seconds
        if not formats.tells_length_of_tracks(name):
            # There FFmpeg gives every track the length of the container.
            return None
        lengths = [
            float(track.duration * track.time_base)
            for number, track in enumerate(first.streams.audio, start=1)
            if number in self._numbers and track.duration and track.time_base
        ]
        return max(lengths, default=None)


def _open(descriptor: int, parts: Parts, index: int) -> InputContainer:
    return av.open(
        SectionFile(descriptor, parts.sections[index]),
        "r",
        options=formats.OPTIONS,
        metadata_errors="replace",
        buffer_size=_READ_BYTES,
    )


def _open_first(descriptor: int, parts: Parts) -> tuple[InputContainer, int]:
    """The first part that can be opened, and how many before it cannot: what was saved with the
    recording, as the head of an answer from the web, room that was never written, or a recording
    that lost its table of contents. Raises what the first part raises if none can."""
    most = min(len(parts.sections), _MOST_PARTS_LOOKED_AT)
    if formats.is_other_file(os.pread(descriptor, _HEAD_BYTES, 0)):
        most = 0
    for index in range(most):
        container = _open_or_none(descriptor, parts, index)
        if container is not None:
            return container, index
    return _open(descriptor, parts, 0), 0


def _open_or_none(descriptor: int, parts: Parts, index: int) -> InputContainer | None:
    try:
        return _open(descriptor, parts, index)
    except MemoryError:
        raise
    except av.FFmpegError:
        return None


def _picture(container: InputContainer) -> str | None:
    """FFmpeg's name of the coding of the first picture that moves; None where there is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            context = stream.codec_context
            return context.codec.canonical_name if context else "unknown"
    return None


def _facts(
    track: AudioStream, number: int, heard: bool, channels: int | None, *, is_rifx: bool
) -> TrackFacts:
    context = track.codec_context if track.codec_context else None
    sample_format = context.format if context else None
    return TrackFacts(
        number=number,
        codec=coding(track, is_rifx=is_rifx) if context else "unknown",
        channels=min(channels or (context.channels if context else 0), MOST_CHANNELS),
        sample_rate=context.sample_rate if context else 0,
        language=_text(track.metadata.get("language")),
        title=_text(track.metadata.get("title") or track.metadata.get("handler_name")),
        is_default=bool(track.disposition & Disposition.default),
        decodable=is_decodable(track),
        heard=heard,
        integer=sample_format is not None
        and "flt" not in sample_format.name
        and "dbl" not in sample_format.name,
    )


def _text(value: str | None) -> str | None:
    text = value[:_LONGEST_TEXT].strip() if value else ""
    return None if text.lower() in _SAYS_NOTHING else text
