"""The length of an MP3 file that has a table of contents in its first frame, as Xing (LAME, FFmpeg)
or Fraunhofer's encoder (VBRI) write it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from shared.recordings.bounded_file import BoundedFile

_TABLE = re.compile(rb"Xing|Info|VBRI")
_TABLE_WITHIN = 8192
"""Bytes after the tags within which the first frame has its table."""

_MOST_BEYOND = 1.1
"""A file with more bytes than its table knows was joined of several."""

_AFTER_FRAME_HEAD = {b"VBRI": (36,), b"Xing": (36, 21, 13), b"Info": (36, 21, 13)}
"""Bytes from a frame's beginning to its table, by version and channels."""

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sample rates by the version's bits: MPEG 1, 2 and 2.5."""


def mp3_length_s(file: BoundedFile) -> float | None:
    """Seconds by the table and the bytes that are there; None without a table that fits them."""
    at = _after_tags(file)
    head = file.read(at, _TABLE_WITHIN)
    for frame, table in _tables(head):
        version, rate_index = head[frame + 1] >> 3 & 3, head[frame + 2] >> 2 & 3
        rate = _RATES[version][rate_index]
        frames, told_bytes = _counts(head, table)
        length_s = frames * (1152 if version == 3 else 576) / rate
        if not told_bytes:
            return length_s
        there = (file.size_bytes - at - frame) / told_bytes
        return None if there > _MOST_BEYOND else length_s * min(1.0, there)
    return None


def _after_tags(file: BoundedFile) -> int:
    """Offset in bytes at which the sound begins; several tags may stand before it."""
    at = 0
    while len(head := file.read(at, 10)) == 10 and head.startswith(b"ID3"):
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        at += size + (20 if head[5] & 0x10 else 10)
    return at


def _tables(head: bytes) -> Iterator[tuple[int, int]]:
    """Yield the offsets of frames of layer 3 with a table, and of their tables."""
    for found in _TABLE.finditer(head):
        for before in _AFTER_FRAME_HEAD[found[0]]:
            frame = found.start() - before
            if frame >= 0 and _begins(head, frame):
                yield frame, found.start()


def _begins(head: bytes, at: int) -> bool:
    """Return whether the bytes at `at` are the head of a frame of layer 3, with a valid rate."""
    second, third = head[at + 1], head[at + 2]
    return (
        head[at] == 0xFF
        and second & 0xE6 == 0xE2
        and second >> 3 & 3 in _RATES
        and third >> 2 & 3 != 3
    )


def _counts(head: bytes, table: int) -> tuple[int, int]:
    """Frames and bytes that a table tells of, 0 for what it leaves out."""
    if head.startswith(b"VBRI", table):
        told_bytes, frames = struct.unpack_from(">II", head, table + 10)
        return frames, told_bytes
    flags, *counts = struct.unpack_from(">III", head, table + 4)
    frames = counts.pop(0) if flags & 1 else 0
    return frames, counts[0] if flags & 2 else 0
