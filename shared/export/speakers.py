"""How a file names who speaks."""

from __future__ import annotations

from shared.export.options import ExportOptions
from shared.export.typography.sanitise import printable
from shared.transcripts.values import CHINESE


def shown_name(speaker: str | None, options: ExportOptions) -> str:
    """A speaker's name on one line; empty where nobody is known, or no names are wanted."""
    return printable(speaker or "") if options.speakers else ""


def before_words(name: str, language: str) -> str:
    """A name as it stands before words that are read: with the colon of the transcript's language,
    and empty for nobody."""
    if not name:
        return ""
    return f"{name}：" if language in CHINESE else f"{name}: "


def speaker_prefix(speaker: str | None, options: ExportOptions) -> str:
    """What stands before a speaker's words in plain text; empty where nobody is named."""
    name = shown_name(speaker, options)
    return f"{name}: " if name else ""
