"""The length of a Matroska or WebM file: the Duration of its Segment's Info, or where a recorder
wrote none, as browsers do, the time of its last Cluster."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shared.recordings.bounded_file import BoundedFile

MAGIC = b"\x1aE\xdf\xa3"

_SEGMENT = b"\x18\x53\x80\x67"
_SEEK_HEAD = b"\x11\x4d\x9b\x74"
_SEEK_ID, _SEEK_POSITION = b"\x53\xab", b"\x53\xac"
_INFO = b"\x15\x49\xa9\x66"
_TIMESTAMP_SCALE, _DURATION = b"\x2a\xd7\xb1", b"\x44\x89"
_CLUSTER, _TIMESTAMP = b"\x1f\x43\xb6\x75", b"\xe7"

_USUAL_SCALE = 1_000_000
"""Nanoseconds of a tick where Info does not say."""

_LONGEST_ID, _LONGEST_SIZE = 4, 8
_LARGEST_VALUE = 8
"""Bytes of numbers; titles and the like are of no use here."""

_TAIL_BYTES = 2**20
"""Bytes of the end in which the last Cluster is looked for: half a minute of sound at any usual
rate."""
_MOST_LOOKS = 100


def matroska_length_s(file: BoundedFile) -> float | None:
    """Seconds, as the file tells them. Raises ValueError for what is no Matroska."""
    _, start, size = _element(file, 0)
    segment, at, _ = _element(file, start + size)
    if segment != _SEGMENT:
        raise ValueError("no Segment")
    info = _find_info(file, at)
    scale = int.from_bytes(info.get(_TIMESTAMP_SCALE, b"")) or _USUAL_SCALE
    if (told := info.get(_DURATION)) is not None:
        (ticks,) = struct.unpack(">f" if len(told) == 4 else ">d", told)
    else:
        ticks = _last_cluster(file)
    return None if ticks is None else ticks * scale / 1e9


def _find_info(file: BoundedFile, segment: int) -> dict[bytes, bytes]:
    """The values within Info by their ids; it may stand behind the Clusters."""
    at = segment
    position: int | None = None
    while True:
        name, start, size = _element(file, at)
        if name == _INFO:
            return _values(file, start, size)
        if name == _SEEK_HEAD:
            for _, entry, entry_size in _elements(file, start, size):
                named = _values(file, entry, entry_size)
                if named.get(_SEEK_ID) == _INFO:
                    position = segment + int.from_bytes(named[_SEEK_POSITION])
        if name != _CLUSTER:
            at = start + size
        elif position is not None:
            at, position = position, None
        else:
            raise ValueError("no Info")


def _last_cluster(file: BoundedFile) -> int | None:
    """Ticks at which the last Cluster begins, if it begins near the file's end."""
    start = max(0, file.size_bytes - _TAIL_BYTES)
    tail = file.read(start, _TAIL_BYTES)
    end = len(tail)
    for _ in range(_MOST_LOOKS):
        end = tail.rfind(_CLUSTER, 0, end)
        if end < 0:
            break
        _, inside, _ = _element(file, start + end)
        name, at, size = _element(file, inside)
        if name == _TIMESTAMP:
            return int.from_bytes(file.read(at, min(size, _LARGEST_VALUE)))
    return None


def _values(file: BoundedFile, at: int, size: int) -> dict[bytes, bytes]:
    return {
        name: file.read(start, min(length, _LARGEST_VALUE))
        for name, start, length in _elements(file, at, size)
    }


def _elements(file: BoundedFile, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the elements in the `size` bytes from `at`, as `_element` gives them."""
    end = at + size
    while at < end:
        name, start, length = _element(file, at)
        yield name, start, length
        at = start + length


def _element(file: BoundedFile, at: int) -> tuple[bytes, int, int]:
    """The id of the element at `at`, where its payload begins, and how many bytes that has.

    Raises ValueError where none begins.
    """
    head = file.read(at, _LONGEST_ID + _LONGEST_SIZE)
    id_length = _length(head, 0, _LONGEST_ID)
    size_length = _length(head, id_length, _LONGEST_SIZE)
    begins = id_length + size_length
    size = int.from_bytes(head[id_length:begins]) & (1 << 7 * size_length) - 1
    return head[:id_length], at + begins, size


def _length(head: bytes, at: int, most: int) -> int:
    """Bytes of the variable-length number at `at`: its first bit that is set tells."""
    length = 9 - head[at].bit_length() if at < len(head) else 0
    if not 0 < length <= most or at + length > len(head):
        raise ValueError("no element begins here")
    return length
