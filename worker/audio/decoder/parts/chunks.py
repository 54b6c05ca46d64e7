"""Files of chunks: WAV, RF64, AIFF, CAF and Wave64, whose sound chunk may tell a wrong size.

A recorder that loses power leaves the size that it wrote at its last checkpoint, and 32 bits wrap
around at 4 GB.  What follows the sound is another chunk, another recording, or more sound.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from worker.audio.decoder.parts.beginnings import begins, next_beginning
from worker.audio.decoder.parts.run import Run
from worker.audio.decoder.parts.signatures import occurrences
from worker.audio.decoder.sections import Section

_MOST_CHUNKS = 10_000
_NEARLY = 1 << 16
_LARGEST_HEADER = 1 << 24
"""Bytes before the sound, of a picture for instance, up to which more sound gets them in front."""
_LEAST_MISSING = 1 << 12
"""Bytes; some writers count their headers in."""
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
"""Beginnings of what taggers put behind the end without a chunk around it."""

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
    begin: int = 0
    """Byte at which the recording begins, from which chunks are aligned."""

    @property
    def header(self) -> int:
        return self.id_bytes + self.size_bytes

    def aligned(self, at: int) -> int:
        """Offset of the next chunk behind one that ends at `at`."""
        return at + -(at - self.begin) % self.align


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


def scan(descriptor: int, size: int, start: int) -> Run:
    """The recordings in the file from `start` on, each with its size put right where it tells of
    too little."""
    found: list[Section] = []
    begin, is_cut = start, False
    while start < size:
        kind = _kind(os.pread(descriptor, 64, start))
        if kind is None:
            break
        sections, is_cut = _recording(descriptor, start, size, replace(kind, begin=start))
        found += sections
        start = found[-1].end
    if not found:
        return Run((Section(begin, size),), size)
    return Run(tuple(found), start, is_cut=is_cut)


def _kind(head: bytes) -> _Kind | None:
    if head[8:12] == b"WAVE":
        return {b"RIFF": _RIFF, b"RF64": _RIFF, b"BW64": _RIFF, b"RIFX": _RIFX}.get(head[:4])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _AIFF
    if head[:8] == b"caff\x00\x01\x00\x00":
        return _CAF
    return _W64 if re.match(_W64_RIFF, head, re.DOTALL) else None


@dataclass(frozen=True, slots=True)
class _Sound:
    """A chunk of sound: where it begins, where its content does, its size as told, and the fields
    that tell it."""

    at: int
    content: int
    told: int
    fields: tuple[tuple[int, int], ...]
    """Offset of each, and its bytes."""

    @property
    def end(self) -> int:
        return self.content + self.told

    @property
    def is_not_known_yet(self) -> bool:
        """Return whether the size is one that recorders write before they know it: the largest that
        fits, or nearly."""
        return self.told >= (1 << 8 * self.fields[0][1] - 1) - _NEARLY


def _recording(descriptor: int, start: int, size: int, kind: _Kind) -> tuple[list[Section], bool]:
    """The recording that begins at `start`, up to the next one or the end of the file, and whether
    it tells of more than there is.

    Where it has several chunks of sound, of which FFmpeg reads the last one alone, each is a
    section with the recording's header in front.
    """
    sound = _find_sound(descriptor, start + kind.first, size, kind)
    if sound is None:
        return [Section(start, size)], False
    header = os.pread(descriptor, min(sound.at - start, _LARGEST_HEADER), start)
    most = _MOST_CHUNKS if len(header) == sound.at - start else 0
    found: list[Section] = []
    while True:
        begin, prefix = (sound.at, header) if found else (start, b"")
        if sound.end >= size:  # also every 'not known yet'; FFmpeg reads on to the end
            # Other kinds are looked for, which takes longer, only where the size is wrong.
            search = _next_recording if sound.end == size else _next_of_any_kind
            end = search(descriptor, sound.content, size, kind)
            is_cut = sound.end - end > _LEAST_MISSING and not sound.is_not_known_yet
            found.append(_corrected(begin, end, sound, kind, prefix, only_if_negative=True))
            return found, is_cut
        behind = kind.aligned(sound.end)
        if behind != sound.end and begins(descriptor, sound.end):
            behind = sound.end  # without the byte that makes it even
        section_end, another = _chunks_behind(descriptor, behind, size, kind)
        if another is None or len(found) >= most:
            found.append(
                _told_too_little(descriptor, begin, size, kind, sound, section_end, prefix)
            )
            return found, False
        found.append(Section(begin, another.at, prefix=prefix))
        sound = another


def _told_too_little(
    descriptor: int,
    start: int,
    size: int,
    kind: _Kind,
    sound: _Sound,
    end: int | None,
    prefix: bytes,
) -> Section:
    """The recording at `start`, of which the file has more than its sound chunk tells, or as
    much. `end`: where the chunks behind it end, None if something else follows."""
    if end is not None:
        return Section(start, end, prefix=prefix)
    end = _next_of_any_kind(descriptor, sound.end, size, kind)
    if _is_padding(descriptor, sound.end, end):
        return Section(start, end, prefix=prefix)
    return _corrected(start, end, sound, kind, prefix)


def _corrected(
    start: int,
    end: int,
    sound: _Sound,
    kind: _Kind,
    prefix: bytes,
    *,
    only_if_negative: bool = False,
) -> Section:
    """The section whose sound goes on to `end`, whatever is told.

    `only_if_negative`: what is told is more than there is, and is left as it is but for a size that
    FFmpeg takes for negative and refuses.
    """
    if only_if_negative and not (sound.told >> 63):
        return Section(start, end, prefix=prefix)
    true_size = end - sound.content
    corrections = []
    for at, count in sound.fields:
        told = min(true_size, (1 << 8 * count) - 1)
        little = kind.order == "little"
        corrections.append((at, told.to_bytes(count, "little" if little else "big")))
    return Section(start, end, tuple(corrections), max(0, end - sound.end), prefix)


def _find_sound(descriptor: int, at: int, size: int, kind: _Kind) -> _Sound | None:
    """The first chunk of sound, if there is any."""
    large: _Sound | None = None
    for _ in range(_MOST_CHUNKS):
        header = os.pread(descriptor, kind.header, at)
        if len(header) < kind.header:
            return None
        told = _told_size(header, kind)
        content = at + kind.header
        if header[: kind.id_bytes] == kind.sound:
            if large is not None:
                return replace(large, at=at, content=content)
            return _Sound(at, content, told, ((at + kind.id_bytes, kind.size_bytes),))
        if header[:4] == b"ds64":
            # RF64: 64-bit sizes of the file and of its sound, and how many samples that is. FFmpeg
            # goes by the second alone, and takes nothing where one of the last two is negative.
            told_64 = int.from_bytes(os.pread(descriptor, 8, content + 8), "little")
            samples = int.from_bytes(os.pread(descriptor, 8, content + 16), "little")
            fields = [(content + 8, 8)] + [(content + 16, 8)] * (samples >> 63)
            large = _Sound(at, content, told_64, tuple(fields))
        at = kind.aligned(content + told)
        if at >= size:
            return None
    return None


def _chunks_behind(
    descriptor: int, at: int, size: int, kind: _Kind
) -> tuple[int | None, _Sound | None]:
    """End of the chunks from `at` on, if that is all there is up to the end of the file or to
    another recording, None where something else follows; and the next chunk of sound among them.
    """
    for _ in range(_MOST_CHUNKS):
        left = size - at
        head = os.pread(descriptor, 64, at)
        if left < kind.header:
            return size, None
        if re.match(kind.next_recording, head, re.DOTALL) or begins(descriptor, at, head):
            return at, None
        if head.startswith(_TAGS):
            return size, None
        name, told = head[:4], _told_size(head, kind)
        content = at + kind.header
        if head[: kind.id_bytes] == kind.sound and told:
            return None, _Sound(at, content, told, ((at + kind.id_bytes, kind.size_bytes),))
        if not (name.isascii() and name.decode().isprintable()) or told > left - kind.header:
            return None, None
        at = min(size, kind.aligned(content + told))
    return None, None


def _told_size(header: bytes, kind: _Kind) -> int:
    field = header[kind.id_bytes : kind.header]
    told = int.from_bytes(field, "little" if kind.order == "little" else "big")
    return max(0, told - kind.header) if kind.size_counts_header else told


def _next_recording(descriptor: int, at: int, size: int, kind: _Kind) -> int:
    sought = kind.sought or kind.next_recording
    place = next(occurrences(descriptor, sought, at, size), None)
    return size if place is None else place - kind.sought_at


def _next_of_any_kind(descriptor: int, at: int, size: int, _: _Kind) -> int:
    place = next_beginning(descriptor, at, size)
    return size if place is None else place


def _is_padding(descriptor: int, start: int, end: int) -> bool:
    """Return whether there are only zeros: reserved space without sound."""
    for at in range(start, end, len(_ZEROS)):
        block = os.pread(descriptor, min(len(_ZEROS), end - at), at)
        if not _ZEROS.startswith(block):
            return False
    return True
