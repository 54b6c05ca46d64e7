"""Reports: what is handed over of a meeting, made from a template of text.

A template is lines of Markdown with placeholders.  Nothing in it is executed: a placeholder is a
name out of a list, and what takes its place is not looked at again.  The same lines make Markdown
and Word, of which headings, lists and paragraphs are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from shared.errors import InvalidRequest
from shared.export.blocks import Block
from shared.export.markdown import escaped
from shared.export.options import ExportOptions, FileMark, Provenance
from shared.export.paragraphs import join_sentences, paragraphs
from shared.export.speakers import before_words, people_of, shown_name
from shared.export.timestamp import timestamp
from shared.export.typography.sanitise import printable
from shared.transcripts.chapters import sections
from shared.transcripts.values import CHINESE, Transcript

LONGEST_TEMPLATE = 20_000

INLINE = ("title", "date", "people", "duration")
"""Placeholders that may stand anywhere in a line."""

BLOCKS = ("agenda", "decisions", "todos", "notes", "transcript")
"""Placeholders that stand alone in a line, and become several."""

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
# The spaces around a name are taken off afterwards: a pattern with them would try very many in
# all ways to divide them.
_HEADING = re.compile(r"(#{1,3})\s+(.*)")
_BULLET = re.compile(r"[-*]\s+(.*)")

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

_WORDS = {
    "zh": {"none": "无", "between": "、", "open": "（", "close": "）", "colon": "："},
    "en": {"none": "none", "between": ", ", "open": " (", "close": ")", "colon": ": "},
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
    for number, line in enumerate(text.split("\n"), 1):
        for name in map(str.strip, _PLACEHOLDER.findall(line)):
            if name not in INLINE + BLOCKS:
                known = ", ".join(f"{{{{{one}}}}}" for one in INLINE + BLOCKS)
                raise InvalidRequest(
                    f"template: line {number} has {{{{{name[:40]}}}}}. There are {known}.",
                    param="template",
                )
            if name in BLOCKS and _PLACEHOLDER.sub("", line).strip():
                raise InvalidRequest(
                    f"template: line {number}: {{{{{name}}}}} stands alone in its line, for it "
                    "becomes several.",
                    param="template",
                )
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
        if lines and not (block.kind == before == "bullet"):
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

    found = blocks(template, transcript, provenance, options, escape=str)
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
    words = _WORDS["zh" if transcript.language in CHINESE else "en"]
    people = people_of(transcript, provenance.people, options)
    inline = {
        "title": escape(printable(provenance.title)),
        "date": provenance.day.isoformat() if provenance.day else words["none"],
        "people": words["between"].join(escape(printable(name)) for name in people)
        or words["none"],
        "duration": timestamp(transcript.duration),
    }
    for line in template.split("\n"):
        line = line.strip()
        found = _PLACEHOLDER.fullmatch(line)
        if found and (name := found[1].strip()) in BLOCKS:
            yield from _block(name, transcript, provenance, options, words)
        elif line:
            filled = _PLACEHOLDER.sub(lambda match: inline.get(match[1].strip(), ""), line)
            yield _own(filled)


def _own(line: str) -> Block:
    """A line of the template, filled in."""
    if heading := _HEADING.fullmatch(line):
        return Block(f"heading-{len(heading[1])}", heading[2], is_markdown=True)
    if bullet := _BULLET.fullmatch(line):
        return Block("bullet", bullet[1], is_markdown=True)
    return Block("text", line, is_markdown=True)


def _block(
    name: str,
    transcript: Transcript,
    provenance: Provenance,
    options: ExportOptions,
    words: dict[str, str],
) -> Iterator[Block]:
    if name == "transcript":
        yield from _transcript(transcript, provenance, options)
        return
    kinds = {
        "agenda": ("chapter",),
        "decisions": ("decision",),
        "todos": ("todo",),
        "notes": ("note", "bookmark"),
    }[name]
    wanted = [mark for mark in provenance.marks if mark.kind in kinds]
    for mark in wanted:
        yield Block("bullet", _item(mark, words))
    if not wanted:
        yield Block("text", words["none"])


def _item(mark: FileMark, words: dict[str, str]) -> str:
    """A mark on a line: who does what by when, and where it was said."""
    text = printable(mark.text)
    who = words["between"].join(filter(None, map(printable, (mark.who, mark.due))))
    if who:
        text = f"{who}{words['colon']}{text}"
    return f"{text}{words['open']}{timestamp(mark.at_s)}{words['close']}".strip()


def _transcript(
    transcript: Transcript, provenance: Provenance, options: ExportOptions
) -> Iterator[Block]:
    for section in sections(transcript, provenance.chapters):
        if section.title is not None:
            yield Block("heading-3", printable(section.title))
        for paragraph in paragraphs(section.transcript, options):
            time = f"{timestamp(paragraph.start)} " if options.timestamps else ""
            yield Block(
                "text",
                time + join_sentences(paragraph.sentences, options),
                shown_name(paragraph.speaker, options),
            )
