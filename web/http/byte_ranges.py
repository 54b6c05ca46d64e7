"""Parsing of the part of a file that a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.ASCII)

_ENOUGH_DIGITS = 19
"""Digits of a number that lies beyond the end of any file. Python reads none of thousands of
digits."""


class OutOfRange(Exception):
    """The requested part lies outside of the file."""


def requested_part(header: str | None, length: int, *, most: int | None = None) -> range | None:
    """The bytes to send of a file of `length`; None for all of it.

    One range is understood.  Several, other units and nonsense are ignored, as a server may.  A
    range without an end is cut to `most` bytes: the answer says what it holds, and players ask on.

    Raises OutOfRange.

    >>> requested_part("bytes=2-5", 10)
    range(2, 6)
    """
    match = _ONE_RANGE.fullmatch((header or "").strip())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        if not length or not _number(last):
            raise OutOfRange
        return range(max(0, length - _number(last)), length)
    start = _number(first)
    if last and _number(last) < start:
        return None
    if start >= length:
        raise OutOfRange
    if last:
        return range(start, min(_number(last) + 1, length))
    return range(start, length if most is None else min(start + most, length))


def _number(digits: str) -> int:
    return int(digits.lstrip("0")[:_ENOUGH_DIGITS] or 0)
