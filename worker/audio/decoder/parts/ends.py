"""Files that tell where they end, in a place of their own: FLV and AVI."""

from __future__ import annotations

import os

_LEAST_MISSING = 1 << 12
"""Bytes; some writers count their headers in."""

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
