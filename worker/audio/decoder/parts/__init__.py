"""The recordings that one file holds, one behind another, each to be opened by itself.

Files are joined with `cat`, recorders append to what is there, voice chats begin a new Ogg stream
for each speaker, and headers tell of less than follows them.  FFmpeg's demuxers stop, or fail, at
the first end that they see.  `find_parts` looks at the structure of the file, not at its sound.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from worker.audio.decoder.mp3 import end_of_tags
from worker.audio.decoder.parts import boxes, chunks, ebml, ends, ogg
from worker.audio.decoder.parts.beginnings import begins, next_beginning
from worker.audio.decoder.parts.flac import end_of_flac_header
from worker.audio.decoder.parts.frames import frames_at
from worker.audio.decoder.parts.run import Run, sections_of
from worker.audio.decoder.parts.trailers import unknown_bytes
from worker.audio.decoder.sections import Section


@dataclass(frozen=True, slots=True)
class Parts:
    """Sections found in a file: at least one, in order.

    has_end_mark: False where the last part's kind marks its end and this one does not.
    """

    sections: tuple[Section, ...]
    has_end_mark: bool = True
    is_cut: bool = False
    """True if the structure of the last part reaches beyond the end of the file."""


def find_parts(descriptor: int, size: int) -> Parts:
    """The parts of the file of `size` bytes behind `descriptor`; the whole file where nothing
    speaks against it."""
    sections: list[Section] = []
    run = _run(descriptor, 0, size)
    while True:
        sections += run.sections
        if run.end >= size:
            return Parts(tuple(sections), run.has_end_mark, run.is_cut)
        run = _run(descriptor, run.end, size)


def _run(descriptor: int, start: int, size: int) -> Run:
    """The recordings from `start` on that are of the kind of the first."""
    head = os.pread(descriptor, 64, start)
    # Taggers put ID3 before a WAV too, where FFmpeg does not expect it.
    content = end_of_tags(descriptor, start)
    tagged = os.pread(descriptor, 64, content)
    if chunks.is_chunked(tagged):
        return chunks.scan(descriptor, size, content)
    if head[:4] == b"OggS":
        return ogg.scan(descriptor, start, size)
    if head[4:8] in boxes.FIRST:
        return boxes.scan(descriptor, start, size)
    if head[:4] == ebml.MAGIC:
        return ebml.scan(descriptor, start, size)
    return _stream(descriptor, start, size, content, tagged)


def _stream(descriptor: int, start: int, size: int, content: int, head: bytes) -> Run:
    """The recording at `start`, whose content, behind tags, begins with `head`: of a kind that has
    no structure to go by, up to the next beginning."""
    frames = frames_at(descriptor, content, head)
    behind = ends.told_end(descriptor, start, size)
    if behind > start and begins(descriptor, behind):
        return Run(sections_of([start], behind), behind)
    begin = max(behind, end_of_flac_header(descriptor, content) or content + 1)
    other = next_beginning(descriptor, begin, size, but=frames)
    end = size if other is None else other
    if frames == "mpegts":
        # FFmpeg calls it damage if something else follows.
        last = ends.transport_end(descriptor, start, end)
        return Run((Section(start, last, bytes_unheard=unknown_bytes(descriptor, last, end)),), end)
    # Of AU FFmpeg reads all there is.
    counts = behind > start and head[:4] != b".snd"
    unheard = unknown_bytes(descriptor, behind, end) if counts else 0
    is_cut = ends.is_cut(descriptor, start, end)
    return Run(sections_of([start], end, unheard), end, is_cut=is_cut)
