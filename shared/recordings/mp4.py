"""The length of an MP4, M4A, MOV or 3GP file, which consists of boxes within boxes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shared.recordings.bounded_file import BoundedFile

_Box = tuple[bytes, int, int]
"""Type of a box, and first and last byte of its payload."""


def mp4_length_s(file: BoundedFile) -> float | None:
    """Seconds of the longest sound track, else of the movie; None where neither tells.

    One that was written in fragments tells its length apart, if at all.
    """
    movie = _first(file, b"moov", 0, file.size_bytes)
    if movie is None:
        return None
    inside = list(_boxes(file, *movie[1:]))
    tracks = [length for box in inside if box[0] == b"trak" if (length := _sound_s(file, box))]
    if tracks:
        return max(tracks)
    for box in inside:
        if box[0] == b"mvhd":
            scale, ticks = _scale_and_ticks(file, box)
            return (ticks or _fragments(file, inside)) / scale
    return None


def _sound_s(file: BoundedFile, track: _Box) -> float | None:
    media = _first(file, b"mdia", *track[1:])
    if media is None:
        return None
    boxes = {box[0]: box for box in _boxes(file, *media[1:])}
    if b"hdlr" not in boxes or b"mdhd" not in boxes:
        return None
    if file.read(boxes[b"hdlr"][1] + 8, 4) != b"soun":
        return None
    scale, ticks = _scale_and_ticks(file, boxes[b"mdhd"])
    return ticks / scale


def _scale_and_ticks(file: BoundedFile, header: _Box) -> tuple[int, int]:
    """Ticks a second, and of the whole, 0 if unknown; of a movie's or a track's header."""
    _, at, _ = header
    if file.read(at, 1) == b"\1":
        scale, ticks = struct.unpack(">IQ", file.read(at + 20, 12))
        return scale, 0 if ticks == 2**64 - 1 else ticks
    scale, ticks = struct.unpack(">II", file.read(at + 12, 8))
    return scale, 0 if ticks == 2**32 - 1 else ticks


def _fragments(file: BoundedFile, movie: list[_Box]) -> int:
    """Ticks of a movie in fragments; 0 if it does not tell."""
    for name, at, end in movie:
        if name == b"mvex" and (told := _first(file, b"mehd", at, end)):
            return int.from_bytes(file.read(told[1] + 4, told[2] - told[1] - 4)[:8])
    return 0


def _first(file: BoundedFile, name: bytes, at: int, end: int) -> _Box | None:
    return next((box for box in _boxes(file, at, end) if box[0] == name), None)


def _boxes(file: BoundedFile, at: int, end: int) -> Iterator[_Box]:
    """The boxes between two places. Raises ValueError where none begins."""
    while at + 8 <= end:
        head = file.read(at, 16)
        size, name = struct.unpack_from(">I4s", head)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", head, 8)
            start += 8
        elif size == 0:  # to the end
            size = end - at
        if at + size < start:
            raise ValueError("a box smaller than its head")
        yield name, start, min(at + size, end)
        at += size
