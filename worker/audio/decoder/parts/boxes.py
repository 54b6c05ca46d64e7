"""MP4, M4A, MOV and 3GP: files of boxes, which may be joined movie after movie."""

from __future__ import annotations

import os

from worker.audio.decoder.parts.beginnings import HEAD, begins, next_beginning
from worker.audio.decoder.parts.run import Run, sections_of
from worker.audio.decoder.parts.trailers import MARKS, unknown_bytes

FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Types of the box with which such a file begins."""

_MOST_BOXES = 1_000_000
_LARGEST_MOOV = 64 << 20


def scan(descriptor: int, start: int, size: int) -> Run:
    """Walk over the boxes from `start` on.

    A movie in fragments repeats `ftyp` and `moov` where a stream was taken up again; its clock
    goes on, so it stays one.
    """
    starts = [start]
    at, movie_seen, fragmented, is_cut = start, False, False, False
    for _ in range(_MOST_BOXES):
        header = os.pread(descriptor, HEAD, at)
        if len(header) < 8:
            at = size
            break
        told, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if told == 1:
            told = int.from_bytes(header[8:16], "big")
        elif told == 0 and kind.strip(b"\0"):
            at = size
            break
        if told < 8 or not kind.isascii() or not kind.decode().isprintable():
            break
        if kind == b"ftyp":
            if movie_seen and not fragmented:
                starts.append(at)
                movie_seen = False
        elif movie_seen and (header.startswith(MARKS) or begins(descriptor, at, header)):
            break
        elif kind == b"moov":
            movie_seen = True
            content = os.pread(descriptor, min(told, _LARGEST_MOOV), at)
            fragmented = b"mvex" in content
        is_cut = at + told > size
        at = min(size, at + told)
    else:
        at = size
    if not movie_seen:
        # It cannot be read, but what was joined to it.
        other = next_beginning(descriptor, starts[-1] + 1, size)
        until = size if other is None else other
        return Run(sections_of(starts, until), until, is_cut=is_cut and other is None)
    if at == size:
        return Run(sections_of(starts, size), size, is_cut=is_cut)
    end = at if begins(descriptor, at) else next_beginning(descriptor, at, size)
    end = size if end is None else end
    unheard = unknown_bytes(descriptor, at, end)
    return Run(sections_of(starts, end, unheard), end, is_cut=is_cut)
