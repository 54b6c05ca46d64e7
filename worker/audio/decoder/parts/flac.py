"""FLAC: its metadata blocks, and how large its frames can be."""

from __future__ import annotations

import os

_MOST_BLOCKS = 1000


def end_of_flac_header(descriptor: int, start: int) -> int | None:
    """Offset behind the metadata blocks, pictures among them, of the FLAC at `start`; None where
    there is none."""
    if os.pread(descriptor, 4, start) != b"fLaC":
        return None
    at = start + 4
    for _ in range(_MOST_BLOCKS):
        head = os.pread(descriptor, 4, at)
        if len(head) < 4:
            break
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    return at


def largest_frame(stream_info: bytes) -> int | None:
    """Bytes that a frame has at most, by the STREAMINFO block; None where that is no such block."""
    if len(stream_info) < 18:
        return None
    told = int.from_bytes(stream_info[7:10], "big")
    samples = int.from_bytes(stream_info[2:4], "big")
    channels = (stream_info[12] >> 1 & 7) + 1
    bits = ((stream_info[12] & 1) << 4 | stream_info[13] >> 4) + 1
    return told or samples * channels * (bits + 7) // 8 + 64 + channels * 8
