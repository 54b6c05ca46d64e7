"""Ogg: chains of streams, each with headers of its own."""

from __future__ import annotations

import os

from worker.audio.decoder.parts.beginnings import begins, next_beginning
from worker.audio.decoder.parts.run import Run, sections_of
from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.parts.trailers import unknown_bytes

_BLOCK = 1 << 20
_LARGEST_PAGE = 27 + 255 + 255 * 255
_BEGIN, _END = 2, 4
"""Flags of a page: the first, and the last, of its stream."""


def scan(descriptor: int, start: int, size: int) -> Run:
    """Walk over the pages from `start` on, past damage too.

    Streams that run side by side all begin before the first page of data, so a beginning behind
    data starts the next link.
    """
    starts = [start]
    block, block_at = b"", 0
    at, data_seen, last_flags = start, False, 0
    end, unheard = size, 0
    while at + 27 <= size:
        offset = at - block_at
        if offset + _LARGEST_PAGE > len(block):
            block, block_at, offset = os.pread(descriptor, _BLOCK, at), at, 0
        if block[offset : offset + 5] != b"OggS\0":
            found = next(occurrences(descriptor, rb"OggS\x00", at + 1, size), None)
            until = size if found is None else found
            other = at if begins(descriptor, at) else next_beginning(descriptor, at, until)
            if other is not None or found is None:
                end = size if other is None else other
                unheard = unknown_bytes(descriptor, at, end)
                break
            at = found
            continue
        flags, segments = block[offset + 5], block[offset + 26]
        if flags & _BEGIN and data_seen:
            starts.append(at)
            data_seen = False
        elif not flags & _BEGIN:
            data_seen = True
        last_flags = flags
        table = block[offset + 27 : offset + 27 + segments]
        at += 27 + segments + sum(table)
    complete = bool(last_flags & _END) and at <= size
    return Run(sections_of(starts, end, unheard), end, has_end_mark=complete)
