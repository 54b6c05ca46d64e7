"""How a file names who speaks."""

from __future__ import annotations

from shared.export.options import ExportOptions
from shared.export.typography.sanitise import printable
from shared.speakers.names import is_default_name
from shared.transcripts.values import CHINESE, Transcript


def shown_name(speaker: str | None, options: ExportOptions) -> str:
    """A speaker's name on one line; empty where nobody is known, or no names are wanted."""
    return printable(speaker or "") if options.speakers else ""


def people_of(
    transcript: Transcript, people: tuple[str, ...], options: ExportOptions
) -> tuple[str, ...]:
    """Who took part: as somebody said, or else the speakers who were given names, in the order in
    which they begin to speak."""
    if people or not options.speakers:
        return people
    names = dict.fromkeys(one.speaker for one in transcript.sentences if one.speaker and one.text)
    return tuple(name for name in names if not is_default_name(name))


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
