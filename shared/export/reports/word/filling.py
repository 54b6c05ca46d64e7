"""A report from a template that is a Word document."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from docx.oxml.ns import qn

from shared.export.blocks import Block
from shared.export.options import ExportOptions, Provenance
from shared.export.reports.placeholders import Checked, pieces_of
from shared.export.reports.refusals import ReportTooLarge
from shared.export.reports.values import Values
from shared.export.reports.word.package import WordPackage
from shared.export.reports.word.paragraphs import (
    PARAGRAPH,
    Place,
    joined,
    places_in,
    texts_by_paragraph,
)
from shared.export.speakers import before_words
from shared.export.typography.sanitise import printable
from shared.transcripts.values import Transcript

_MOST_CHARACTERS = 32 * 1024 * 1024
"""Characters of XML that a template's repeats may make, beside its own: rows of a table for 5,000
paragraphs."""

_ELSEWHERE = ("header", "footer", "footnotes", "endnotes")
"""Parts beside the text in which a placeholder is filled in."""

_RUN, _RUN_PROPERTIES, _PROPERTIES = qn("w:r"), qn("w:rPr"), qn("w:pPr")
_STYLE, _FONTS, _BOLD, _VALUE = qn("w:pStyle"), qn("w:rFonts"), qn("w:b"), qn("w:val")
_RUN_STYLE = qn("w:rStyle")
_TEXT, _SECTION = qn("w:t"), qn("w:sectPr")
_BINDING = "{*}dataBinding"  # Word has another namespace for those of later versions
_BEGINS_PAGE, _BREAK = qn("w:pageBreakBefore"), qn("w:br")
_SPACE = qn("xml:space")
_NAMED_ONCE = (qn("w:bookmarkStart"), qn("w:bookmarkEnd"), qn("w:commentRangeStart"))
_ONCE_IN_A_DOCUMENT = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_CORE, _CORE_TITLE = "docProps/core.xml", "{http://purl.org/dc/elements/1.1/}title"


def check(content: bytes) -> None:
    """Check that a Word document can be used as a template. Raises TemplateRefused."""
    package = WordPackage(content)
    checked = Checked()
    for name in _parts(package):
        places_in(package.tree(name), checked, is_main=name == package.main)


def write(
    template: bytes, transcript: Transcript, provenance: Provenance, options: ExportOptions
) -> bytes:
    """The report as a Word document, the same bytes for the same template and transcript.

    Raises TemplateRefused: of a template that was checked, only as ReportTooLarge.
    """
    package = WordPackage(template)
    values = Values(transcript, provenance, options)
    inline = values.inline()
    checked = Checked()
    room = _Room()
    for name in _parts(package):
        root = package.tree(name)
        places = places_in(root, checked, is_main=name == package.main)
        for binding in list(root.iter(_BINDING)):
            # What it is bound to would take the place of the text when the document is opened.
            binding.getparent().remove(binding)
        headings = _heading_style(package) if name == package.main else ""
        for place in places:
            _fill(place, values, inline, headings, room)
        package.put(name, root)
    package.drop_attached_templates()
    _tell_title(package, provenance)
    return package.saved()


class _Room:
    """Number of characters that may still be written."""

    def __init__(self) -> None:
        self._left = _MOST_CHARACTERS

    def take(self, characters: int) -> None:
        """Count characters as written. Raises ReportTooLarge."""
        self._left -= characters
        if self._left < 0:
            raise ReportTooLarge


def _parts(package: WordPackage) -> list[str]:
    # Each once: what took the place of a placeholder is not looked at again.
    return list(dict.fromkeys((package.main, *package.part_names(*_ELSEWHERE))))


def _fill(
    place: Place, values: Values, inline: dict[str, str], heading_style: str, room: _Room
) -> None:
    element = place.element
    if not place.several_of:
        _replace(place.texts, inline, room)
        return
    size = _size(element)
    if place.is_alone:
        for block in list(values.lines(place.several_of)) or [Block("text", values.none)]:
            room.take(size + len(block.text))
            element.addprevious(_said(place, block, values.language, heading_style))
            _break_page_once(element)
        for ends_page in [one for one in element.iter(_BREAK) if one.get(qn("w:type"))]:
            run = element.makeelement(_RUN)
            run.append(ends_page)
            element.getprevious().append(run)
    else:
        for item in values.items(place.several_of):
            room.take(size)
            copy = _copied(element)
            element.addprevious(copy)
            for texts in texts_by_paragraph(copy).values():
                _replace(texts, inline | item, room)
            _break_page_once(element)
    _end_section(element)


def _replace(texts: list[Any], values: dict[str, str], room: _Room) -> None:
    """Put values in place of a paragraph's placeholders, each in the look in which it begins."""
    found = pieces_of(joined(texts), values)
    start = number = 0
    for text in texts:
        own = text.text or ""
        end = start + len(own)
        kept, place = "", start
        while number < len(found) and found[number][0] < end:
            first, last, value = found[number]
            if first >= start:
                room.take(len(value))
                kept += own[place - start : first - start] + value
            place = min(last, end)
            if last > end:  # the rest of it stands in the next
                break
            number += 1
        text.text = kept + own[place - start :]
        text.set(_SPACE, "preserve")
        start = end


def _said(place: Place, block: Block, language: str, heading_style: str) -> Any:
    """A paragraph that looks as the placeholder's does, with a line of what becomes several."""
    paragraph = place.element
    made = paragraph.makeelement(PARAGRAPH)
    if (properties := paragraph.find(_PROPERTIES)) is not None:
        made.append(_without_section(deepcopy(properties)))
    begins = next(text for text in place.texts if "{" in (text.text or ""))
    look = next((run.find(_RUN_PROPERTIES) for run in begins.iterancestors(_RUN)), None)
    is_heading = block.kind.startswith("heading")
    if is_heading and heading_style:
        _set_style(made, heading_style)
        look = None
    if block.speaker:
        made.append(_run(made, before_words(block.speaker, language), look, bold=True))
    text = printable(block.text)
    made.append(_run(made, text, look, bold=is_heading and not heading_style))
    return made


def _run(paragraph: Any, text: str, look: Any | None, *, bold: bool) -> Any:
    run = paragraph.makeelement(_RUN)
    properties = deepcopy(look) if look is not None else paragraph.makeelement(_RUN_PROPERTIES)
    # The standard has an order: a run's style, its fonts, and then this.
    before = sum(child.tag == _RUN_STYLE for child in properties)
    if not text.isascii():
        fonts = properties.find(_FONTS)
        if fonts is None:
            fonts = properties.makeelement(_FONTS)
            properties.insert(before, fonts)
        # Quotes and dashes are in both scripts: beside Chinese they are drawn as Chinese.
        fonts.set(qn("w:hint"), "eastAsia")
    if bold and properties.find(_BOLD) is None:
        before += sum(child.tag == _FONTS for child in properties)
        properties.insert(before, properties.makeelement(_BOLD))
    if len(properties):
        run.append(properties)
    element = run.makeelement(_TEXT)
    element.text = text
    element.set(_SPACE, "preserve")
    run.append(element)
    return run


def _set_style(paragraph: Any, style: str) -> None:
    """Have a paragraph look as a style says, and no other way."""
    if (old := paragraph.find(_PROPERTIES)) is not None:
        paragraph.remove(old)
    properties = paragraph.makeelement(_PROPERTIES)
    properties.append(properties.makeelement(_STYLE, {_VALUE: style}))
    paragraph.insert(0, properties)


def _copied(element: Any) -> Any:
    """A copy without what a document has once only."""
    copy = deepcopy(element)
    for within in list(copy.iter()):
        for name in [name for name in within.attrib if name.startswith(_ONCE_IN_A_DOCUMENT)]:
            del within.attrib[name]
        if within.tag in _NAMED_ONCE or within.tag == qn("w:commentRangeEnd"):
            within.getparent().remove(within)
    for properties in copy.iter(_PROPERTIES):
        _without_section(properties)
    copy.tail = None
    return copy


def _without_section(properties: Any) -> Any:
    for section in properties.findall(_SECTION):
        properties.remove(section)
    return properties


def _break_page_once(element: Any) -> None:
    """Have the next copy begin no page: the first did."""
    for properties in element.iter(_PROPERTIES):
        for begins_page in properties.findall(_BEGINS_PAGE):
            properties.remove(begins_page)


def _end_section(element: Any) -> None:
    """Take out what was repeated. The end of a section that stood in it stays, with the last."""
    section = element.find(f"{_PROPERTIES}/{_SECTION}")
    last = element.getprevious()
    if section is not None and last.tag == PARAGRAPH:
        properties = last.find(_PROPERTIES)
        if properties is None:
            properties = last.makeelement(_PROPERTIES)
            last.insert(0, properties)
        properties.append(section)
    element.getparent().remove(element)


def _size(element: Any) -> int:
    """Approximate number of characters of a copy as XML."""
    return sum(60 + 60 * len(within.attrib) + len(within.text or "") for within in element.iter())


def _heading_style(package: WordPackage) -> str:
    """The id of the document's own style of headings of the third level; empty if it has none."""
    for name in package.part_names("styles"):
        for style in package.tree(name).iter(qn("w:style")):
            named = style.find(qn("w:name"))
            if named is not None and (named.get(_VALUE) or "").lower() == "heading 3":
                return style.get(qn("w:styleId")) or ""
    return ""


def _tell_title(package: WordPackage, provenance: Provenance) -> None:
    """Name the recording where programs show a document's title."""
    if not package.has(_CORE):
        return
    root = package.tree(_CORE)
    for title in root.findall(_CORE_TITLE):
        title.text = printable(provenance.title)[:255]
    package.put(_CORE, root)
