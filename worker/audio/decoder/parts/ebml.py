"""Matroska and WebM: a header and a segment, which may be joined one behind another."""

from __future__ import annotations

import os

from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.sections import Section

MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_NEXT = rb"\x1a\x45\xdf\xa3.{0,40}?\x42\x82.{1,8}?(?:webm|matroska)"[:64]


def scan(descriptor: int, size: int) -> tuple[tuple[Section, ...], bool]:
    """The recordings of the file, and whether the last tells of more than there is.

    A segment of known size is passed over; in one of unknown size, as a live recorder writes it,
    the next header is looked for.
    """
    starts = []
    at = 0
    while at < size and os.pread(descriptor, 4, at) == MAGIC:
        starts.append(at)
        end = _segment_end(descriptor, at)
        if end is None:
            end = next(occurrences(descriptor, _NEXT, at + 4, size), size)
        at = end
    starts = starts or [0]
    ends = [*starts[1:], size]
    return tuple(Section(*bounds) for bounds in zip(starts, ends, strict=True)), at > size


def _segment_end(descriptor: int, at: int) -> int | None:
    """End of the segment behind the header at `at`; None where its size is not known."""
    header_size, length = _size(os.pread(descriptor, 8, at + 4))
    if header_size is None:
        return None
    at += 4 + length + header_size
    if os.pread(descriptor, 4, at) != _SEGMENT:
        return None
    segment_size, length = _size(os.pread(descriptor, 8, at + 4))
    return None if segment_size is None else at + 4 + length + segment_size


def _size(data: bytes) -> tuple[int | None, int]:
    """A size as EBML writes it, None for 'unknown', and the bytes that it takes."""
    if not data or data[0] == 0:
        return None, 1
    length = 9 - data[0].bit_length()
    value = int.from_bytes(data[:length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), length
