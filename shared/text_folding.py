"""Text as it is searched: what people type and what was said, made alike."""

from __future__ import annotations

import re
import unicodedata

_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
"""Ａ as A, ！ as !: the same to who types."""

_RADICALS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
"""⾦ as 金: text copied from PDF files has radicals in place of the characters that they are."""

_ALIKE: dict[int, int | str] = {
    **_FULL_WIDTH,
    **_RADICALS,
    0x3000: " ",
    0x00: " ",
    ord("İ"): "i",
}
"""İ is the one letter that becomes two in small letters. PostgreSQL keeps no NUL."""

_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks of direction, and of places where a line may be broken or must not be."""


def seen(text: str) -> str:
    """`text` without the characters that nobody sees or types, and that come along with what is
    copied from pages, documents and the names of files."""
    return _UNSEEN.sub("", text)


def composed(text: str) -> str:
    """`text` as it is shown, with accents joined to their letters and nothing that UTF-8 or a
    database refuses."""
    storable = text.encode("utf-8", "replace").decode().replace("\x00", " ")
    return unicodedata.normalize("NFC", storable)


def fold(text: str) -> str:
    """`text` without what does not count in a search: case, the width of Latin letters, and whether
    a character is written as the radical that it is.

    Of composed text it has the same length, so that a place in one is a place in the other.

    >>> fold("周会：ＧＰＵ 和 API")
    '周会:gpu 和 api'
    """
    return composed(text).translate(_ALIKE).lower()
