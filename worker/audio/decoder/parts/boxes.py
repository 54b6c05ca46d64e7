"""MP4, M4A, MOV and 3GP: files of boxes, which may be joined movie after movie."""

from __future__ import annotations

import os
from dataclasses import dataclass

from worker.audio.decoder.sections import Section

FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Types of the box with which such a file begins."""

_MOST_BOXES = 1_000_000
_LARGEST_MOOV = 64 << 20


@dataclass(frozen=True, slots=True)
class Movies:
    """The movies of a file; bytes behind the last box that are no box; whether the last box tells
    of more than there is."""

    sections: tuple[Section, ...]
    stray_bytes: int
    is_cut: bool


def scan(descriptor: int, size: int) -> Movies:
    """Walk over the boxes of the file.

    A movie in fragments repeats `ftyp` and `moov` where a stream was taken up again; its clock
    goes on, so it stays one.
    """
    starts = [0]
    at, movie_seen, fragmented, is_cut = 0, False, False, False
    for _ in range(_MOST_BOXES):
        header = os.pread(descriptor, 16, at)
        if len(header) < 8:
            break
        told, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if told == 1:
            told = int.from_bytes(header[8:16], "big")
        elif told == 0:
            at = size
            break
        if told < 8 or not kind.isascii() or not kind.decode().isprintable():
            break
        if kind == b"ftyp" and movie_seen and not fragmented:
            starts.append(at)
            movie_seen = False
        elif kind == b"moov":
            movie_seen = True
            content = os.pread(descriptor, min(told, _LARGEST_MOOV), at)
            fragmented = b"mvex" in content
        is_cut = at + told > size
        at = min(size, at + told)
    ends = [*starts[1:], size]
    stray = size - at if movie_seen else 0
    sections = tuple(Section(*bounds) for bounds in zip(starts, ends, strict=True))
    return Movies(sections, stray, is_cut)
