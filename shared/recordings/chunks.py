"""The lengths of WAV and AIFF files, which consist of chunks with a name and a size."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from shared.recordings.bounded_file import BoundedFile

_CHUNK_NAME = re.compile(rb"[\w ]{4}", re.ASCII)
_FILE_NAMES = (b"RIFF", b"RF64", b"BW64")
_FIRST_CHUNK_AT = 12
_HEAD_BYTES = 8
_FLOAT_BIAS = 16_383 + 63
"""Bias of the exponent of AIFF's floating point numbers of 80 bits, whose mantissa is an
integer."""


def wave_length_s(file: BoundedFile) -> float | None:
    """Seconds by the bytes of sound and the rate in the header; None where either is missing.

    The size that the header gives counts only where chunks follow it.  A recorder that was cut off
    leaves the size of an earlier moment or none, one of 4 GB has no room for it, and of files
    that were joined only the first is in it.
    """
    bytes_a_second = 0
    for name, at, size in _chunks(file, "<4sI"):
        if name == b"fmt ":
            (bytes_a_second,) = struct.unpack_from("<I", file.read(at, 16), 8)
        elif name == b"data" and bytes_a_second:
            sound = size if _holds(file, at, size) else file.size_bytes - at
            return sound / bytes_a_second
    return None


def aiff_length_s(file: BoundedFile) -> float | None:
    """Seconds by the number of sample frames; None without a COMM chunk."""
    for name, at, _ in _chunks(file, ">4sI"):
        if name == b"COMM":
            frames, exponent, mantissa = struct.unpack(">xxIxxHQ", file.read(at, 18))
            return float(frames / (mantissa * 2.0 ** (exponent - _FLOAT_BIAS)))
    return None


def _chunks(file: BoundedFile, layout: str) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, where its payload begins and how many bytes that has."""
    at = _FIRST_CHUNK_AT
    while len(head := file.read(at, _HEAD_BYTES)) == _HEAD_BYTES:
        name, size = struct.unpack(layout, head)
        at += _HEAD_BYTES
        yield name, at, size
        at += size + size % 2


def _holds(file: BoundedFile, at: int, size: int) -> bool:
    """Return whether the samples end `size` bytes after `at`: with the file, or before another
    chunk."""
    if not size or at + size > file.size_bytes:
        return False
    end = at + size + size % 2
    if end + _HEAD_BYTES > file.size_bytes:
        return True
    name, following = struct.unpack("<4sI", file.read(end, _HEAD_BYTES))
    is_chunk = _CHUNK_NAME.fullmatch(name) is not None and name not in _FILE_NAMES
    return is_chunk and end + _HEAD_BYTES + following <= file.size_bytes
