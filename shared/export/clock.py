"""Times of a recording as files write them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Hours, minutes and whole seconds, all of two digits, so that they stand in a column.

    >>> clock(63.9)
    '00:01:03'
    """
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
