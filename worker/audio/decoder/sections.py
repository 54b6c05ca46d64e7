"""A stretch of the recording's file, read as a file of its own, with some bytes corrected.

PyAV reads it through `read`, `seek` and `tell`.  Nothing but the descriptor is touched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """Bytes [start, end) of the file.

    corrections: (offset in the file, bytes that are read there instead); a length field that the
        recorder never brought up to date.
    bytes_behind: how many bytes of sound stand behind the end that the header tells of, and are
        read all the same because of a correction.
    prefix: bytes that are read before `start`: the header of a recording whose sound goes on here.
    bytes_unheard: how many bytes stand behind the recording's end of which nothing can be read,
        tags and padding not counted.
    """

    start: int
    end: int
    corrections: tuple[tuple[int, bytes], ...] = ()
    bytes_behind: int = 0
    prefix: bytes = b""
    bytes_unheard: int = 0


class SectionFile:
    """`section` of the file behind `descriptor`."""

    def __init__(self, descriptor: int, section: Section) -> None:
        self._descriptor = descriptor
        self._section = section
        self._position = 0

    def read(self, count: int = -1) -> bytes:
        """Read at most `count` bytes from here; b'' at the end."""
        if prefix := self._section.prefix[self._position :]:
            data = prefix if count < 0 else prefix[:count]
            self._position += len(data)
            return data + (self.read() if count < 0 else b"")
        at = self._section.start - len(self._section.prefix) + self._position
        left = max(0, self._section.end - at)
        data = os.pread(self._descriptor, left if count < 0 else min(count, left), at)
        self._position += len(data)
        return self._corrected(at, data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as io.IOBase does; the new place."""
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            section = self._section
            offset += len(section.prefix) + section.end - section.start
        self._position = max(0, offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def _corrected(self, at: int, data: bytes) -> bytes:
        for place, correct in self._section.corrections:
            begin, end = max(place, at), min(place + len(correct), at + len(data))
            if begin < end:
                data = data[: begin - at] + correct[begin - place : end - place] + data[end - at :]
        return data
