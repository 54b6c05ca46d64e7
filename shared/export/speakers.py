"""How a file names who speaks."""

from __future__ import annotations

from shared.export.sanitise import printable


def speaker_prefix(speaker: str | None) -> str:
    """What stands before a speaker's words in plain text; empty where nobody is named."""
    name = printable(speaker or "")
    return f"{name}: " if name else ""
