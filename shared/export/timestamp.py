"""Timestamps in text and Word files."""

from __future__ import annotations


def timestamp(seconds: float) -> str:
    """Hours, minutes and whole seconds, each with two digits, so that they align in a column.

    >>> timestamp(63.9)
    '00:01:03'
    """
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
