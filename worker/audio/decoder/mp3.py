"""Read the tags before an MP3 file, and search for the table by which players seek in it."""

from __future__ import annotations

import os

_SEARCHED_BYTES = 8192
"""The table stands in the first frame; some taggers leave padding before it."""


def end_of_tags(descriptor: int, at: int = 0) -> int:
    """Return the offset behind the ID3 tags that stand at `at`; `at` itself without any."""
    while (tag := os.pread(descriptor, 10, at))[:3] == b"ID3" and len(tag) == 10:
        size = 0
        for byte in tag[6:10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if tag[5] & 0x10 else 0)
    return at


def has_table_of_contents(descriptor: int, at: int = 0) -> bool:
    """Return whether the first frame of the MP3 at `at` holds a Xing, Info or VBRI header."""
    beginning = os.pread(descriptor, _SEARCHED_BYTES, end_of_tags(descriptor, at))
    return any(mark in beginning for mark in (b"Xing", b"Info", b"VBRI"))
