"""Text of a server or of a file's name, as a terminal may be given it."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def readable(text: str) -> str:
    """The text with a question mark for each byte of a file's name that is no UTF-8 and for each
    character by which a terminal would do something."""
    return _CONTROL.sub("?", text.encode("utf-8", "replace").decode())
