"""Tags and padding that programs put behind the end of a recording."""

from __future__ import annotations

import os

from worker.audio.decoder.mp3 import end_of_tags

_BLOCK = 1 << 16
_APE_HEADER = 32
_ID3V1, _ID3V1_ENHANCED = 128, 227
_LONGEST_LYRICS = 1 << 17
MARKS = (b"ID3", b"APETAGEX", b"LYRICSBEGIN", b"TAG")
"""First bytes of the tags."""


def unknown_bytes(descriptor: int, start: int, end: int) -> int:
    """Bytes of [start, end) from the first on that is neither padding nor of a tag."""
    at = start
    while at < end:
        block = os.pread(descriptor, min(_BLOCK, end - at), at)
        zeros = len(block) - len(block.lstrip(b"\0"))
        known = zeros or _tag_bytes(descriptor, at, block)
        if not known:
            break
        at += known
    return max(0, end - at)


def unknown_bytes_behind_frame(descriptor: int, frame: int, latest: int, end: int) -> int:
    """What `unknown_bytes` gives, from the end of the frame at `frame` on, of which is known only
    that it lies at `latest` or before."""
    found = [unknown_bytes(descriptor, latest, end)]
    block = os.pread(descriptor, max(0, latest - frame), frame)
    for mark in MARKS:
        offset = block.find(mark)
        if offset >= 0:
            found.append(unknown_bytes(descriptor, frame + offset, end))
    return min(found)


def _tag_bytes(descriptor: int, at: int, head: bytes) -> int:
    """Bytes of the tag at `at`, which begins with `head`; 0 where there is none."""
    if head.startswith(b"ID3"):
        return max(10, end_of_tags(descriptor, at) - at)
    if head.startswith(b"APETAGEX"):
        has_header = len(head) >= _APE_HEADER and head[23] & 0x20
        return _APE_HEADER + (int.from_bytes(head[12:16], "little") if has_header else 0)
    if head.startswith(b"TAG+"):
        return _ID3V1_ENHANCED
    if head.startswith(b"TAG"):
        return _ID3V1
    if head.startswith(b"LYRICSBEGIN"):
        lyrics = os.pread(descriptor, _LONGEST_LYRICS, at)
        ends = [lyrics.find(mark) for mark in (b"LYRICS200", b"LYRICSEND")]
        return min((end + 9 for end in ends if end >= 0), default=len(lyrics))
    return 0
