"""The length of an Ogg file with Opus, Vorbis, FLAC or Speex: the place told by its last page."""

from __future__ import annotations

import struct

from shared.recordings.bounded_file import BoundedFile

_PAGE = b"OggS"
_PAGE_HEAD = struct.Struct("<4sxBqI8xB")  # name, flags, place, stream, segments
_BEGINS_STREAM = 2
_MOST_STREAMS = 16
_LARGEST_HEAD = 27 + 255 + 64
"""Bytes of a page's head and of what is read of the packet within."""
_LARGEST_PAGE = 27 + 255 + 255 * 255
_TAIL_BYTES = 4 * _LARGEST_PAGE
"""Bytes of the end in which the sound's last page is looked for: a picture's may follow it."""
_MOST_LOOKS = 1_000


def ogg_length_s(file: BoundedFile) -> float | None:
    """Seconds; None where no page near the end is of the sound that begins the file.

    That is so where files were joined: each counts from 0.
    """
    at = 0
    for _ in range(_MOST_STREAMS):
        head = file.read(at, _LARGEST_HEAD)
        name, flags, _, stream, segments = _PAGE_HEAD.unpack_from(head)
        if name != _PAGE or not flags & _BEGINS_STREAM:
            return None
        packet = _PAGE_HEAD.size + segments
        if (clock := _clock(head[packet:])) is not None:
            rate, skipped = clock
            last = _last_place(file, stream)
            return None if last is None else (last - skipped) / rate
        at += packet + sum(head[_PAGE_HEAD.size : packet])
    return None


def _clock(packet: bytes) -> tuple[int, int] | None:
    """Samples a second of the places in a stream, and those that are not heard; None if it is no
    sound. `packet` is its first."""
    if packet.startswith(b"OpusHead"):
        return 48_000, int.from_bytes(packet[10:12], "little")
    if packet.startswith(b"\x01vorbis"):
        return int.from_bytes(packet[12:16], "little"), 0
    if packet.startswith(b"\x7fFLAC"):
        return int.from_bytes(packet[27:30]) >> 4, 0
    if packet.startswith(b"Speex   "):
        return int.from_bytes(packet[36:40], "little"), 0
    return None


def _last_place(file: BoundedFile, wanted: int) -> int | None:
    start = max(0, file.size_bytes - _TAIL_BYTES)
    tail = file.read(start, _TAIL_BYTES)
    end = len(tail) - _PAGE_HEAD.size + len(_PAGE)
    for _ in range(_MOST_LOOKS):
        at = tail.rfind(_PAGE, 0, max(0, end))
        if at < 0:
            break
        _, flags, place, stream, _ = _PAGE_HEAD.unpack_from(tail, at)
        if stream == wanted and place >= 0:
            return int(place)
        if flags & _BEGINS_STREAM:
            break
        end = at
    return None
