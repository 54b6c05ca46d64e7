"""Reports: what is handed over of a meeting, made from a template of text.

A template is lines of Markdown with placeholders, which `placeholders` names.  The same lines make
Markdown and Word, of which headings, lists and paragraphs are known; `word` fills in templates that
are Word documents themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from shared.errors import InvalidRequest
from shared.export.blocks import Block
from shared.export.markdown import escaped
from shared.export.options import ExportOptions, Provenance
from shared.export.reports.placeholders import (
    MOST_IN_A_REPEAT,
    Checked,
    alone_in,
    filled,
    names_in,
    repeated_by,
)
from shared.export.reports.refusals import RepeatNotPlain
from shared.export.reports.values import Values
from shared.export.speakers import before_words
from shared.export.typography.sanitise import printable
from shared.transcripts.values import CHINESE, Transcript

LONGEST_TEMPLATE = 20_000

_LONGEST_REPEAT = 1000
"""Characters of a line that is repeated."""

_HEADING = re.compile(r"(#{1,3})\s+(.*)")
_BULLET = re.compile(r"[-*]\s+(.*)")

_TOGETHER = ("bullet", "row")
"""Kinds of lines that make one list or table, without an empty line between."""

BUILT_IN = {
    "zh": """# {{title}}

- 日期：{{date}}
- 参会人：{{people}}
- 时长：{{duration}}

## 议程

{{agenda}}

## 决定

{{decisions}}

## 待办

{{todos}}

## 备注

{{notes}}

## 全文

{{transcript}}
""",
    "en": """# {{title}}

- Date: {{date}}
- People: {{people}}
- Duration: {{duration}}

## Agenda

{{agenda}}

## Decisions

{{decisions}}

## To do

{{todos}}

## Notes

{{notes}}

## Transcript

{{transcript}}
""",
}


def built_in(language: str) -> str:
    """The template of whoever has none, in Chinese or English."""
    return BUILT_IN["zh" if language in CHINESE else "en"]


def checked_template(text: str) -> str:
    """A template that can be used, with plain line ends. Raises InvalidRequest."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise InvalidRequest(
            "template: must hold no NUL character and no half of a character.", param="template"
        )
    if not text.strip() or len(text) > LONGEST_TEMPLATE:
        raise InvalidRequest(
            f"template: from 1 to {LONGEST_TEMPLATE} characters.", param="template"
        )
    checked = Checked()
    for number, line in enumerate(text.split("\n"), 1):
        several_of, names = checked.text(line, line=number)
        checked.count(0, several_of=several_of)
        is_large = len(names) > MOST_IN_A_REPEAT or len(line) > _LONGEST_REPEAT
        if several_of and is_large:
            raise RepeatNotPlain(line=number, excerpt=line, most=MOST_IN_A_REPEAT)
    return text


def write_markdown(
    template: str, transcript: Transcript, provenance: Provenance, options: ExportOptions
) -> str:
    """The report as Markdown."""
    lines: list[str] = []
    before = ""
    for block in blocks(template, transcript, provenance, options, escape=escaped):
        text = block.text if block.is_markdown else escaped(block.text)
        if block.speaker:
            text = before_words(f"**{escaped(block.speaker)}**", transcript.language) + text
        if block.kind.startswith("heading"):
            text = f"{'#' * int(block.kind[-1])} {text}"
        elif block.kind == "bullet":
            text = f"- {text}"
        if lines and not (block.kind == before and before in _TOGETHER):
            lines.append("")
        lines.append(text)
        before = block.kind
    return "\n".join(lines) + "\n"


def write_docx(
    template: str, transcript: Transcript, provenance: Provenance, options: ExportOptions
) -> bytes:
    """The report as a Word document."""
    # python-docx imports lxml: a server that writes no document saves its memory.
    from shared.export.docx import report

    found = blocks(template, transcript, provenance, options, escape=printable)
    return report(provenance, transcript.language, found)


def blocks(
    template: str,
    transcript: Transcript,
    provenance: Provenance,
    options: ExportOptions,
    *,
    escape: Callable[[str], str],
) -> Iterator[Block]:
    """The paragraphs of a report; `escape` is applied to what stands within the template's own
    lines."""
    values = Values(transcript, provenance, options)
    inline = values.inline(escape)
    for line in map(str.strip, template.split("\n")):
        if name := alone_in(line):
            yield from values.lines(name)
        elif name := repeated_by(names_in(line)):
            for item in values.items(name):
                yield _own(filled(line, inline | {key: escape(item[key]) for key in item}))
        elif line:
            yield _own(filled(line, inline))


def as_blocks(template: str) -> Iterator[Block]:
    """The paragraphs of a template itself, with its placeholders as they are."""
    for line in filter(None, map(str.strip, template.split("\n"))):
        if name := alone_in(line):
            yield Block("text" if name == "transcript" else "bullet", line)
        else:
            yield _own(line)


def _own(line: str) -> Block:
    """A line of the template, filled in."""
    if heading := _HEADING.fullmatch(line):
        return Block(f"heading-{len(heading[1])}", heading[2], is_markdown=True)
    if bullet := _BULLET.fullmatch(line):
        return Block("bullet", bullet[1], is_markdown=True)
    if len(line) > 1 and line[0] == line[-1] == "|":
        return Block("row", line, is_markdown=True)
    return Block("text", line, is_markdown=True)
