"""The width of text on a screen in cells: a Latin letter takes one, a Chinese character two."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=16_384)
def _cell(character: str) -> int:
    if unicodedata.category(character) in (
        "Mn",
        "Me",
        "Cf",
    ):  # combining marks and format characters
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def display_width(text: str) -> int:
    """Display cells of `text` (Unicode Annex 11: wide and full-width take two).

    >>> display_width("用GPU吗？")
    9
    """
    return len(text) if text.isascii() else sum(map(_cell, text))
