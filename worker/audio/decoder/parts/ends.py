"""Files that tell where they end, in a place of their own: FLV, AVI, AU and transport
streams."""

from __future__ import annotations

import os
import re

_LEAST_MISSING = 1 << 12
"""Bytes; some writers count their headers in."""

_BLOCK = 1 << 16
_TS_PACKET = 188
_TS_PACKETS = re.compile(rb"(?:\x47.{187}){5,}", re.DOTALL)

_FLV_TAGS = (8, 9, 18)
_FLV_TAG_HEADER = 11


def is_cut(descriptor: int, start: int, size: int) -> bool:
    """Return whether the recording from `start` to the end of the file, at `size`, lacks its end;
    False for kinds that do not tell."""
    head = os.pread(descriptor, 12, start)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        told = int.from_bytes(head[4:8], "little")
        return 0 < told < (1 << 31) and start + 8 + told - size > _LEAST_MISSING
    if head[:4] == b"FLV\x01":
        return not _ends_with_tag(descriptor, size)
    return False


def told_end(descriptor: int, start: int, size: int) -> int:
    """Where the AVI or AU at `start` ends by the sizes that it tells; `start` where it tells none,
    or tells of more than there is."""
    at = start
    head = os.pread(descriptor, 12, at)
    if head[:4] == b".snd":
        header, sound = (int.from_bytes(head[place : place + 4], "big") for place in (4, 8))
        return start + header + sound if sound and start + header + sound <= size else start
    while head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        if at > start and head[8:12] == b"AVI ":
            break
        told = int.from_bytes(head[4:8], "little")
        if not told or at + 8 + told > size:
            return start
        at += 8 + told + told % 2
        head = os.pread(descriptor, 12, at)
    return min(at, size)


def transport_end(descriptor: int, start: int, size: int) -> int:
    """Where the last packets of the transport stream from `start` to `size` end; `size` where none
    are found."""
    for end in range(size, start, -_BLOCK):
        begin = max(start, end - _BLOCK)
        block = os.pread(descriptor, min(size, end + 5 * _TS_PACKET) - begin, begin)
        found = list(_TS_PACKETS.finditer(block))
        if found:
            return min(size, begin + found[-1].end())
    return size


def _ends_with_tag(descriptor: int, size: int) -> bool:
    """Return whether the last four bytes of an FLV are the size of the tag before them."""
    told = int.from_bytes(os.pread(descriptor, 4, max(0, size - 4)), "big")
    at = size - 4 - told
    if at < 0:
        return False
    header = os.pread(descriptor, _FLV_TAG_HEADER, at)
    content = int.from_bytes(header[1:4], "big")
    return (
        len(header) == _FLV_TAG_HEADER
        and header[0] in _FLV_TAGS
        and content + _FLV_TAG_HEADER == told
    )
