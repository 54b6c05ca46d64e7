"""Facts in the first bytes of a file that decide how browsers play it, and that FFmpeg does not
give."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_MOST_BOXES = 64
"""Boxes that are looked at before the first one with sound."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The fields are as in `worker.audio.playable.needed.RecordingFacts`."""

    is_rf64: bool = False
    is_fragmented: bool = False


def read_signature(recording: Path | int) -> Signature:
    """Look at some bytes of a file, whatever it is; in that of a descriptor without moving."""
    if isinstance(recording, int):
        return _read(recording)
    with recording.open("rb") as file:
        return _read(file.fileno())


def _read(descriptor: int) -> Signature:
    beginning = os.pread(descriptor, 12, 0)
    if beginning[4:8] == b"ftyp":
        return Signature(is_fragmented=_has_fragments(descriptor))
    return Signature(is_rf64=beginning[:4] in (b"RF64", b"BW64"))


def _has_fragments(descriptor: int) -> bool:
    """Return whether a fragment's box comes before, or in the place of, the whole table of
    samples."""
    at, end = 0, os.fstat(descriptor).st_size
    for _ in range(_MOST_BOXES):
        header = os.pread(descriptor, 16, at)
        kind, size = header[4:8], int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if kind == b"moof":
            return True
        if kind == b"mdat" or size < 8:
            return False
        at += size
        if at >= end:
            return False
    return False
