"""Tokens of a vocabulary that stand for no text: '<unk>', '</s>', '<|zh|>'."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"<(?!0x[0-9A-F]{2}>)[^<>]+>")
"""Names in angle brackets, which nobody says; not the bytes of UTF-8 ('<0xE9>'), which spell."""

SPACED = "<space>"
"""FunASR's name for a space, in vocabularies of single letters."""


def is_special(token: str) -> bool:
    """Return whether a token is no part of any text.

    >>> is_special("<sos/eos>"), is_special("<|HAPPY|>"), is_special("<0xE9>"), is_special("<")
    (True, True, False, False)
    """
    return _SPECIAL.fullmatch(token) is not None
