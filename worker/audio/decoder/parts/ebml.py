"""Matroska and WebM: a header and a segment, which may be joined one behind another."""

from __future__ import annotations

import os

from worker.audio.decoder.parts.beginnings import begins, next_beginning
from worker.audio.decoder.parts.run import Run, sections_of
from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.parts.trailers import unknown_bytes

MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_CLUSTER = rb"\x1f\x43\xb6\x75"
_OF_SEGMENT = (
    b"\x1f\x43\xb6\x75",  # clusters, cues, tags, chapters, attachments, padding
    b"\x1c\x53\xbb\x6b",
    b"\x12\x54\xc3\x67",
    b"\x10\x43\xa7\x70",
    b"\x19\x41\xa4\x69",
    b"\xec",
)
_MOST_ELEMENTS = 1_000_000


def scan(descriptor: int, start: int, size: int) -> Run:
    """The recordings from `start` on.

    A segment of known size is passed over; in one of unknown size, as a live recorder writes it,
    the next header is looked for.
    """
    starts = []
    at = start
    while at < size and os.pread(descriptor, 4, at) == MAGIC:
        starts.append(at)
        end = _segment_end(descriptor, at)
        if end is None:
            # Behind the header, for that of FLAC is in it as FLAC's own file has it.
            cluster = next(occurrences(descriptor, _CLUSTER, at + 4, size), at + 4)
            end = next_beginning(descriptor, cluster, size)
        at = size if end is None else _end_of_elements(descriptor, end, size)
    starts = starts or [start]
    if at >= size or at == start:
        return Run(sections_of(starts, size), size, is_cut=at > size)
    end = at if begins(descriptor, at) else next_beginning(descriptor, at, size)
    end = size if end is None else end
    return Run(sections_of(starts, end, unknown_bytes(descriptor, at, end)), end)


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


def _end_of_elements(descriptor: int, at: int, size: int) -> int:
    """Where the elements of a segment end that go on at `at`, behind the end that it tells; FFmpeg
    reads them too."""
    for _ in range(_MOST_ELEMENTS):
        head = os.pread(descriptor, 12, at)
        id_bytes = next((len(known) for known in _OF_SEGMENT if head.startswith(known)), None)
        if id_bytes is None:
            return at
        told, length = _size(head[id_bytes:])
        if told is None:
            other = next_beginning(descriptor, at, size)
            return size if other is None else other
        at += id_bytes + length + told
    return at


def _size(data: bytes) -> tuple[int | None, int]:
    """A size as EBML writes it, None for 'unknown', and the bytes that it takes."""
    if not data or data[0] == 0:
        return None, 1
    length = 9 - data[0].bit_length()
    value = int.from_bytes(data[:length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), length
