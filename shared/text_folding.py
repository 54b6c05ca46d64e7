"""Text as it is searched: what people type and what was said, made alike."""

from __future__ import annotations

import unicodedata

_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
"""Ａ as A, ！ as !: the same to who types."""

_ALIKE: dict[int, int | str] = {**_FULL_WIDTH, 0x3000: " ", 0x00: " ", ord("İ"): "i"}
"""İ is the one letter that becomes two in small letters. PostgreSQL keeps no NUL."""


def composed(text: str) -> str:
    """`text` as it is shown, with accents joined to their letters and nothing that UTF-8 or a
    database refuses."""
    storable = text.encode("utf-8", "replace").decode().replace("\x00", " ")
    return unicodedata.normalize("NFC", storable)


def fold(text: str) -> str:
    """`text` without what does not count in a search: case, and the width of Latin letters.

    Of composed text it has the same length, so that a place in one is a place in the other.

    >>> fold("周会：ＧＰＵ 和 API")
    '周会:gpu 和 api'
    """
    return composed(text).translate(_ALIKE).lower()
