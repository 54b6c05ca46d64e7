"""Ogg: chains of streams, each with headers of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass

from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.sections import Section

_BLOCK = 1 << 20
_LARGEST_PAGE = 27 + 255 + 255 * 255
_BEGIN, _END = 2, 4
"""Flags of a page: the first, and the last, of its stream."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The links of a chain; `has_end_mark` tells whether the file's last page is marked so."""

    sections: tuple[Section, ...]
    has_end_mark: bool


def scan(descriptor: int, size: int) -> Chain:
    """Walk over the pages of the file, past damage too.

    Streams that run side by side all begin before the first page of data, so a beginning behind
    data starts the next link.
    """
    starts = [0]
    block, block_at = b"", 0
    at, data_seen, last_flags = 0, False, 0
    while at + 27 <= size:
        offset = at - block_at
        if offset + _LARGEST_PAGE > len(block):
            block, block_at, offset = os.pread(descriptor, _BLOCK, at), at, 0
        if block[offset : offset + 5] != b"OggS\0":
            found = next(occurrences(descriptor, rb"OggS\x00", at + 1, size), None)
            if found is None:
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
    ends = [*starts[1:], size]
    complete = bool(last_flags & _END) and at <= size
    return Chain(tuple(Section(*b) for b in zip(starts, ends, strict=True)), complete)
