"""Removes from a transcript's text what a file format would take for its own syntax.

A recogniser, or a person who corrects, may write any character; each writer passes its text
through one of these functions once.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+|[\ud800-\udfff]+")


def printable(text: str) -> str:
    """Replace control characters and line breaks by spaces, and strip the ends."""
    return _CONTROL.sub(" ", text).strip()


def subtitle_text(text: str) -> str:
    """Make text safe for SRT and WebVTT, where `-->` marks a line of times."""
    return printable(text).replace("-->", "→")
