"""Text that no format can mistake for its own syntax.

A recogniser, and later a person who corrects it, may write anything; each writer passes its
text through here once.
"""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+|[\ud800-\udfff]+")


def printable(text: str) -> str:
    """One line without control characters."""
    return _CONTROL.sub(" ", text).strip()


def subtitle(text: str) -> str:
    """A line of a subtitle: no arrow that would read as a time."""
    return printable(text).replace("-->", "→")
