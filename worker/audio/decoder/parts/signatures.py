"""Search a file for bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

_BLOCK = 1 << 20
_LONGEST = 64
"""Bytes that a signature may have; blocks overlap by so many."""


def occurrences(descriptor: int, pattern: bytes, start: int, end: int) -> Iterator[int]:
    """Offsets in [start, end) at which `pattern` matches.

    A match has at most 64 bytes, and so has what a lookbehind sees, none of it before `start`.
    Give a pattern that begins with a literal: it is looked for at 3 GB/s, and one that begins with
    a choice at a tenth of that.
    """
    wanted = re.compile(pattern, re.DOTALL)
    after = start
    for at in range(start, end, _BLOCK):
        begin = max(start, at - _LONGEST)
        block = os.pread(descriptor, min(at + _BLOCK + _LONGEST, end) - begin, begin)
        for match in wanted.finditer(block, at - begin):
            place = begin + match.start()
            if after <= place < at + _BLOCK:
                after = begin + match.end()
                yield place
