"""Files of chunks: WAV, RF64, AIFF, CAF and Wave64, whose sound chunk may tell a wrong size.

A recorder that loses power leaves the size that it wrote at its last checkpoint, and 32 bits wrap
around at 4 GB.  What follows the sound is another chunk, another recording, or more sound.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.sections import Section

_MOST_CHUNKS = 10_000
_NEARLY = 1 << 16
_LEAST_MISSING = 1 << 12
"""Bytes; some writers count their headers in."""
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
"""What taggers put behind the end without a chunk around it."""

_NEXT_WAV = rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE[ -~]{4}"
_WAV_BY_ITS_KIND = rb"WAVE(?<=(?:RIFF|RIFX|RF64|BW64).{4}WAVE)[ -~]{4}"
"""Pattern of the place of _NEXT_WAV, by the four bytes that all have in common, 8 behind its
first."""
_ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Layout of the chunks of one kind of container. Sizes count what follows the chunk's header,
    unless `size_counts_header`."""

    first: int
    """Bytes before the first chunk."""
    id_bytes: int
    size_bytes: int
    order: str
    sound: bytes
    """The id of the chunk with the sound."""
    align: int
    next_recording: bytes
    """A pattern with which another recording of the family begins."""
    size_counts_header: bool = False
    sought: bytes = b""
    """The pattern that is looked for in place of `next_recording`, if that does not begin with a
    literal."""
    sought_at: int = 0
    """Bytes of the next recording before `sought`."""

    @property
    def header(self) -> int:
        return self.id_bytes + self.size_bytes

    @property
    def unknown(self) -> int:
        """The size that stands for 'to the end'."""
        return int((1 << 8 * self.size_bytes) - 1)

    def is_placeholder(self, told: int) -> bool:
        """Return whether a size is one that recorders write before they know it: the largest that
        fits, or nearly."""
        return told >= (1 << 8 * self.size_bytes - 1) - _NEARLY


_RIFF = _Kind(12, 4, 4, "little", b"data", 2, _NEXT_WAV, sought=_WAV_BY_ITS_KIND, sought_at=8)
_RIFX = replace(_RIFF, order="big")
_AIFF = _Kind(12, 4, 4, "big", b"SSND", 2, rb"FORM.{4}AIF[FC][ -~]{4}")
_CAF = _Kind(8, 4, 8, "big", b"data", 1, rb"caff\x00\x01\x00\x00desc")
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_RIFF = rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64 = _Kind(40, 16, 8, "little", _W64_DATA, 8, _W64_RIFF, size_counts_header=True)


def is_chunked(head: bytes) -> bool:
    """Return whether a file that begins with `head`, 12 bytes or more, is of one of these kinds."""
    return _kind(head) is not None


def scan(descriptor: int, size: int) -> tuple[tuple[Section, ...], bool]:
    """The recordings in the file, each with its size put right where it tells of too little, and
    whether the last tells of more than there is."""
    found: list[Section] = []
    start, is_cut = 0, False
    while start < size:
        kind = _kind(os.pread(descriptor, 64, start))
        if kind is None:
            break
        section, is_cut = _recording(descriptor, start, size, kind)
        found.append(section)
        start = section.end
    return tuple(found) or (Section(0, size),), is_cut


def _kind(head: bytes) -> _Kind | None:
    if head[8:12] == b"WAVE":
        return {b"RIFF": _RIFF, b"RF64": _RIFF, b"BW64": _RIFF, b"RIFX": _RIFX}.get(head[:4])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if head[:8] == b"caff\x00\x01\x00\x00":
        return _CAF
    return _W64 if re.match(_W64_RIFF, head, re.DOTALL) else None


def _recording(descriptor: int, start: int, size: int, kind: _Kind) -> tuple[Section, bool]:
    """The recording that begins at `start`, up to the next one or the end of the file, and whether
    it tells of more than there is."""
    sound = _find_sound(descriptor, start + kind.first, size, kind)
    if sound is None:
        return Section(start, size), False
    _, content, told = sound
    told_end = content + told
    if told_end >= size:  # also every 'not known yet'; FFmpeg reads on to the end
        end = _next_recording(descriptor, content, size, kind)
        is_cut = told_end - end > _LEAST_MISSING and not kind.is_placeholder(told)
        return Section(start, end), is_cut
    return _told_too_little(descriptor, start, size, kind, sound), False


def _told_too_little(
    descriptor: int, start: int, size: int, kind: _Kind, sound: tuple[int, int, int]
) -> Section:
    """The recording at `start`, of which the file has more than its sound chunk tells, or as
    much."""
    size_field, content, told = sound
    told_end = content + told
    behind = told_end + -told_end % kind.align
    end = _end_of_chunks(descriptor, behind, size, kind)
    if end is not None:
        return Section(start, end)
    end = _next_recording(descriptor, behind, size, kind)
    if _is_padding(descriptor, told_end, end):
        return Section(start, end)
    true_size = min(end - content, kind.unknown)
    correct = true_size.to_bytes(kind.size_bytes, "little" if kind.order == "little" else "big")
    return Section(start, end, ((size_field, correct),), end - told_end)


def _find_sound(descriptor: int, at: int, size: int, kind: _Kind) -> tuple[int, int, int] | None:
    """Offset of the sound chunk's size, offset of its content, and its size as written."""
    large: int | None = None
    for _ in range(_MOST_CHUNKS):
        header = os.pread(descriptor, kind.header, at)
        if len(header) < kind.header:
            return None
        told = _told_size(header, kind)
        content = at + kind.header
        if header[: kind.id_bytes] == kind.sound:
            if kind is _RIFF and told == kind.unknown and large is not None:
                told = large
            return at + kind.id_bytes, content, told
        if header[:4] == b"ds64":  # RF64: 64-bit sizes of the file and of its sound
            large = int.from_bytes(os.pread(descriptor, 8, content + 8), "little")
        at = content + told + -(content + told) % kind.align
        if at >= size:
            return None
    return None


def _end_of_chunks(descriptor: int, at: int, size: int, kind: _Kind) -> int | None:
    """End of the chunks from `at` on, if they go to the end of the file or to another recording;
    None where something else follows."""
    for _ in range(_MOST_CHUNKS):
        left = size - at
        head = os.pread(descriptor, 64, at)
        if left < kind.header or head.startswith(_TAGS):
            return size
        if re.match(kind.next_recording, head, re.DOTALL):
            return at
        name, told = head[:4], _told_size(head, kind)
        if not (name.isascii() and name.decode().isprintable()) or told > left - kind.header:
            return None
        content = at + kind.header
        at = min(size, content + told + -(content + told) % kind.align)
    return None


def _told_size(header: bytes, kind: _Kind) -> int:
    field = header[kind.id_bytes : kind.header]
    told = int.from_bytes(field, "little" if kind.order == "little" else "big")
    return max(0, told - kind.header) if kind.size_counts_header else told


def _next_recording(descriptor: int, at: int, size: int, kind: _Kind) -> int:
    sought = kind.sought or kind.next_recording
    place = next(occurrences(descriptor, sought, at, size), None)
    return size if place is None else place - kind.sought_at


def _is_padding(descriptor: int, start: int, end: int) -> bool:
    """Return whether there are only zeros: reserved space without sound."""
    for at in range(start, end, len(_ZEROS)):
        block = os.pread(descriptor, min(len(_ZEROS), end - at), at)
        if not _ZEROS.startswith(block):
            return False
    return True
