"""Names of speakers in exported files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    """People who took part: those somebody entered, or else the speakers who were given names, in
    the order in which they begin to speak."""
    if people or not options.speakers:
        return people
    names = dict.fromkeys(one.speaker for one in transcript.sentences if one.speaker and one.text)
    return tuple(name for name in names if not is_default_name(name))


_PEOPLE = {"zh": ("参会人：", "、"), "en": ("People: ", ", ")}
"""Text before names of people and separator between them, in the language of the recording."""


def joined_names(
    names: Iterable[str], language: str, write: Callable[[str], str] = printable
) -> str:
    """Names on one line; `write` makes of each what a format shows as it is."""
    _, between = _PEOPLE["zh" if language in CHINESE else "en"]
    return between.join(map(write, names))


def people_line(
    transcript: Transcript,
    people: tuple[str, ...],
    options: ExportOptions,
    write: Callable[[str], str] = printable,
) -> str:
    """Line of a file that names the people who took part; empty where nobody is known."""
    names = people_of(transcript, people, options)
    told, _ = _PEOPLE["zh" if transcript.language in CHINESE else "en"]
    return told + joined_names(names, transcript.language, write) if names else ""


def title_of(transcript: Transcript, title: str, write: Callable[[str], str] = printable) -> str:
    """Heading of a transcript: the recording's title, or the word for a transcript without one."""
    return write(title) or ("文字稿" if transcript.language in CHINESE else "Transcript")


def before_words(name: str, language: str) -> str:
    """A name as it stands before words that are read: with the colon of the transcript's language,
    and empty for nobody."""
    if not name:
        return ""
    return f"{name}：" if language in CHINESE else f"{name}: "


def speaker_prefix(speaker: str | None, options: ExportOptions) -> str:
    """Prefix before a speaker's words in plain text; empty where nobody is named."""
    name = shown_name(speaker, options)
    return f"{name}: " if name else ""
