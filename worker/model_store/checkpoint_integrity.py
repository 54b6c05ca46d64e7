"""Check that a checkpoint is complete, made while its bytes are read for the hash.

torch writes a zip whose entries are stored as they are.  Each has a CRC-32, so one pass over the
file gives both the hash that is a model's revision and the proof that no byte is missing.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20

_LOCAL_HEADER = struct.Struct("<26xHH")
"""A zip entry's header up to the lengths of its name and of its extra field."""

_PICKLE = b"\x80"
_ZIP = b"PK\x03\x04"
_TAR_MAGIC = (257, b"ustar")


class CheckpointCut(Exception):
    """The message says what was seen: 'is cut short', 'is damaged (data/17)'."""


@dataclass(slots=True)
class _Entry:
    """Stored entry: bytes `start` to `end` of the file."""

    name: str
    start: int
    end: int
    wanted_crc: int
    crc: int = 0


def read_whole(path: Path) -> Iterator[bytes]:
    """The checkpoint's blocks in order, checked as they are read.

    Raises CheckpointCut, before the first block or after the last, if the file is no checkpoint or
    not whole.  A checkpoint of torch's older kinds (a pickle, a tar) carries no sums and passes;
    loading it reads all of it.
    """
    entries = _stored_entries(path)
    first = 0
    position = 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            end = position + len(block)
            for entry in entries[first:]:
                if entry.start >= end:
                    break
                part = memoryview(block)[max(entry.start - position, 0) : entry.end - position]
                entry.crc = zlib.crc32(part, entry.crc)
            while first < len(entries) and entries[first].end <= end:
                first += 1
            position = end
            yield block
    for entry in entries:
        if entry.crc != entry.wanted_crc:
            raise CheckpointCut(f"is damaged (its part {entry.name} does not fit its checksum)")


def _stored_entries(path: Path) -> list[_Entry]:
    with path.open("rb") as stream:
        start = stream.read(_TAR_MAGIC[0] + len(_TAR_MAGIC[1]))
    if not start.startswith(_ZIP):
        if start.startswith(_PICKLE) or start[_TAR_MAGIC[0] :] == _TAR_MAGIC[1]:
            return []
        raise CheckpointCut("is no checkpoint of torch")
    try:
        return sorted(_entries(path), key=lambda entry: entry.start)
    except (zipfile.BadZipFile, struct.error, EOFError) as error:
        # The directory of a zip is at its end: a file that lost its end has none.
        raise CheckpointCut("is cut short") from error


def _entries(path: Path) -> Iterator[_Entry]:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        for info in archive.infolist():
            stream.seek(info.header_offset)
            name_length, extra_length = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
            start = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
            end = start + info.compress_size
            if end > size:
                raise CheckpointCut("is cut short")
            if info.compress_type == zipfile.ZIP_STORED:
                yield _Entry(info.filename, start, end, info.CRC)
