"""The writer of Markdown: a heading, what is known of the recording, chapters, paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.export.options import ExportOptions, Provenance
from shared.export.paragraphs import join_sentences, paragraphs
from shared.export.speakers import before_words, people_line, shown_name, title_of
from shared.export.timestamp import timestamp
from shared.export.typography.sanitise import printable
from shared.transcripts.chapters import sections
from shared.transcripts.values import CHINESE, Transcript

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
_START = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)]))")

_DATE = {"zh": "日期：", "en": "Date: "}


def escaped(text: str) -> str:
    """A text on one line that a reader of Markdown shows as it is.

    >>> escaped("1. *not* a <list>")
    '1\\\\. \\\\*not\\\\* a \\\\<list\\\\>'
    """
    text = _SPECIAL.sub(r"\\\1", printable(text))
    return _START.sub(
        lambda found: (
            f"{found[1]}\\{found[2]}" if found[2] else f"{found[1]}{found[3]}\\{found[4]}"
        ),
        text,
    )


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    blocks = [f"# {title_of(transcript, provenance.title, escaped)}"]
    about = []
    if provenance.day is not None:
        date = _DATE["zh" if transcript.language in CHINESE else "en"]
        about.append(f"- {date}{provenance.day.isoformat()}")
    if people := people_line(transcript, provenance.people, options, escaped):
        about.append(f"- {people}")
    if about:
        blocks.append("\n".join(about))
    return "\n\n".join([*blocks, *_body(transcript, provenance, options)]) + "\n"


def _body(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> Iterator[str]:
    """The chapters' headings and the paragraphs."""
    for section in sections(transcript, provenance.chapters):
        if section.title is not None:
            yield f"## {escaped(section.title)}"
        for paragraph in paragraphs(section.transcript, options):
            time = f"`{timestamp(paragraph.start)}` " if options.timestamps else ""
            name = escaped(shown_name(paragraph.speaker, options))
            speaker = before_words(f"**{name}**" if name else "", transcript.language)
            yield time + speaker + escaped(join_sentences(paragraph.sentences, options))
