"""How wide text is on a screen, in cells: a Latin letter takes one, a Chinese character two."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=16_384)
def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # drawn over the one before
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(text: str) -> int:
    """Display cells of `text` (Unicode Annex 11: wide and full-width take two).

    >>> cells("用GPU吗？")
    9
    """
    return len(text) if text.isascii() else sum(map(_cell, text))
