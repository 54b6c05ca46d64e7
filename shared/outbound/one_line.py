"""Text of a server's answer or a person's name as it is shown in one line."""

from __future__ import annotations

_LONGEST_SHOWN = 200


def line_of(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """A stranger's words in one line of `longest` characters at the most.

    >>> line_of("550 no\\r\\nsuch  user")
    '550 no such user'
    """
    shown = "".join(c if c.isprintable() else " " for c in text[: 10 * longest])
    return " ".join(shown.split())[:longest]
