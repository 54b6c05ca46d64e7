"""The recordings that one file holds, one behind another, each to be opened by itself.

Files are joined with `cat`, recorders append to what is there, voice chats begin a new Ogg stream
for each speaker, and headers tell of less than follows them.  FFmpeg's demuxers stop, or fail, at
the first end that they see.  `find_parts` looks at the structure of the file, not at its sound.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from worker.audio.decoder.mp3 import end_of_tags
from worker.audio.decoder.parts import boxes, chunks, ebml, ends, ogg, signatures
from worker.audio.decoder.sections import Section


@dataclass(frozen=True, slots=True)
class Parts:
    """Sections found in a file: at least one, in order.

    has_end_mark: False where the file's kind marks its end and this one does not.
    stray_bytes: bytes behind the last section that belong to nothing that could be read.
    """

    sections: tuple[Section, ...]
    has_end_mark: bool = True
    stray_bytes: int = 0
    is_cut: bool = False
    """Whether the structure of the last part reaches beyond the end of the file."""


def find_parts(descriptor: int, size: int) -> Parts:
    """The parts of the file of `size` bytes behind `descriptor`; the whole file where nothing
    speaks against it."""
    head = os.pread(descriptor, 64, 0)
    # Taggers put ID3 before a WAV too, where FFmpeg does not expect it.
    start = end_of_tags(descriptor)
    if chunks.is_chunked(os.pread(descriptor, 64, start)):
        sections, is_cut = chunks.scan(descriptor, size, start)
        return Parts(sections, is_cut=is_cut)
    if head[:4] == b"OggS":
        found = ogg.scan(descriptor, size)
        return Parts(found.sections, has_end_mark=found.has_end_mark)
    if head[4:8] in boxes.FIRST:
        movies = boxes.scan(descriptor, size)
        return Parts(movies.sections, stray_bytes=movies.stray_bytes, is_cut=movies.is_cut)
    if head[:4] == ebml.MAGIC:
        sections, is_cut = ebml.scan(descriptor, size)
        return Parts(sections, is_cut=is_cut)
    sections = signatures.sections(descriptor, size, head)
    return Parts(sections, is_cut=ends.is_cut(descriptor, sections[-1].start, size))
