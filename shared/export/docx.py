"""Word documents (.docx): heading, times in the margin, paragraphs.

Only the pieces around the text go through python-docx; ten hours of paragraphs are written as XML
elements directly, which takes a twentieth of the time.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.shared import Pt, RGBColor, Twips

from shared.export.options import ExportOptions, Provenance
from shared.export.paragraphs import join_sentences, paragraphs
from shared.export.speakers import before_words, people_line, shown_name, title_of
from shared.export.timestamp import timestamp
from shared.export.typography.sanitise import printable
from shared.transcripts.chapters import sections as parts
from shared.transcripts.values import CHINESE, Transcript

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docx.document import Document as Docx
    from docx.styles.style import ParagraphStyle

    from shared.export.blocks import Block

_LATIN_FONT = "Calibri"
_CHINESE_FONT = "Microsoft YaHei"
"""Comes with Word on Windows and macOS; elsewhere the program substitutes a font."""

_GREY = RGBColor(0x5F, 0x66, 0x6D)
"""Grey of secondary text, with a contrast of 5.9 : 1 on white."""

_TIME_COLUMN = Twips(1100)
"""Width of the column of times: 00:00:00 and a small space."""

_WITHOUT_DATE = datetime(2000, 1, 1, tzinfo=UTC)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip file can hold."""

_UNUSED_PARTS = ("/stylesWithEffects", "/customXml", "/thumbnail", "/extended-properties")
"""Parts of python-docx's template that are left out; they are two thirds of its size."""

_TEXTS = {
    "zh": {
        "duration": "时长 ",
        "silence": "录音中没有听到说话声。",
    },
    "en": {
        "duration": "Duration ",
        "silence": "There is no speech in this recording.",
    },
}
"""The document's own texts, in the language of the recording and not of the reader; English where
there are none in it."""

_TAGS = {"zh": "zh-CN", "yue": "zh-HK", "ja": "ja-JP", "ko": "ko-KR"}
"""The document's language for a word processor, by the transcript's."""

_PARAGRAPH, _PROPERTIES, _STYLE = qn("w:p"), qn("w:pPr"), qn("w:pStyle")
_RUN, _RUN_PROPERTIES, _RUN_STYLE = qn("w:r"), qn("w:rPr"), qn("w:rStyle")
_TEXT, _TAB, _FONTS, _BOLD, _HINT, _VALUE = (
    *(qn("w:t"), qn("w:tab"), qn("w:rFonts"), qn("w:b")),
    *(qn("w:hint"), qn("w:val")),
)
_SPACE = qn("xml:space")


def write_bytes(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> bytes:
    """Return the bytes of the document, the same for the same transcript and options."""
    chinese = transcript.language in CHINESE
    words = _TEXTS["zh" if chinese else "en"]
    document = Document(io.BytesIO(_template()))
    title = title_of(transcript, provenance.title)
    _describe(document, title, provenance, _TAGS.get(transcript.language, "en-US"))
    document.add_paragraph(title, style="Heading 1")
    document.add_paragraph(_about(transcript, provenance, options), style="Subtitle")
    style = "Timed" if options.timestamps else "Transcript"
    body = document.element.body
    end = body[-1]  # the section's properties stay last
    count = 0
    for part in parts(transcript, provenance.chapters):
        if part.title is not None:
            end.addprevious(_paragraph(body, "Heading2", None, "", printable(part.title)))
        for paragraph in paragraphs(part.transcript, options):
            text = join_sentences(paragraph.sentences, options)
            time = timestamp(paragraph.start) if options.timestamps else None
            name = shown_name(paragraph.speaker, options)
            speaker = before_words(name, transcript.language)
            end.addprevious(_paragraph(body, style, time, speaker, text))
            count += 1
    if not count:
        document.add_paragraph(words["silence"], style="Transcript")
    return _saved(document)


def _about(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    """Line below the title: date, duration, and the people where they are known."""
    words = _TEXTS["zh" if transcript.language in CHINESE else "en"]
    told = [words["duration"] + timestamp(transcript.duration)]
    if provenance.day is not None:
        told.insert(0, provenance.day.isoformat())
    if people := people_line(transcript, provenance.people, options):
        told.append(people)
    return " · ".join(told)


_BLOCK_STYLES = {
    **{f"heading-{level}": f"Heading{level}" for level in (1, 2, 3)},
    "bullet": "ListBullet",
    "text": "Transcript",
    "row": "Transcript",
}


def report(provenance: Provenance, language: str, blocks: Iterable[Block]) -> bytes:
    """Return the bytes of a document of these paragraphs; reproducible likewise."""
    document = Document(io.BytesIO(_template()))
    _describe(document, printable(provenance.title), provenance, _TAGS.get(language, "en-US"))
    body = document.element.body
    end = body[-1]
    for block in blocks:
        speaker = before_words(block.speaker, language)
        style = _BLOCK_STYLES[block.kind]
        end.addprevious(_paragraph(body, style, None, speaker, printable(block.text)))
    return _saved(document)


def outline(
    provenance: Provenance,
    *,
    language: str,
    subtitle: str,
    sections: Sequence[tuple[str, Sequence[str]]],
) -> bytes:
    """Return the bytes of a document of lists, each below its heading; reproducible likewise."""
    document = Document(io.BytesIO(_template()))
    title = printable(provenance.title)
    _describe(document, title, provenance, _TAGS.get(language, "en-US"))
    document.add_paragraph(title, style="Heading 1")
    if subtitle:
        document.add_paragraph(subtitle, style="Subtitle")
    for heading, lines in sections:
        document.add_paragraph(heading, style="Heading 2")
        for line in lines:
            _text_run(document.add_paragraph(style="List Bullet")._p, line)
    return _saved(document)


def _paragraph(body: Any, style: str, time: str | None, speaker: str, text: str) -> Any:
    paragraph = body.makeelement(_PARAGRAPH)
    properties = _child(paragraph, _PROPERTIES)
    _child(properties, _STYLE).set(_VALUE, style)
    if time is not None:
        run = _child(paragraph, _RUN)
        _child(_child(run, _RUN_PROPERTIES), _RUN_STYLE).set(_VALUE, "Time")
        _child(run, _TEXT).text = time
        _child(run, _TAB)
    if speaker:
        name = _text_run(paragraph, speaker, bold=True)
        name.set(_SPACE, "preserve")
    _text_run(paragraph, text)
    return paragraph


def _text_run(paragraph: Any, text: str, *, bold: bool = False) -> Any:
    """Add a run; returns its element of text."""
    run = _child(paragraph, _RUN)
    if bold or not text.isascii():
        properties = _child(run, _RUN_PROPERTIES)
        if not text.isascii():
            # Quotes and dashes are in both scripts: beside Chinese they are drawn as Chinese.
            _child(properties, _FONTS).set(_HINT, "eastAsia")
        if bold:
            _child(properties, _BOLD)
    element = _child(run, _TEXT)
    element.text = text
    return element


def _child(parent: Any, tag: str) -> Any:
    child = parent.makeelement(tag)
    parent.append(child)
    return child


@cache
def _template() -> bytes:
    """An empty document with our styles, created once per process."""
    document = Document()
    package = document.part.package
    for relations in (package.rels, document.part.rels):
        for key in [
            k for k, relation in relations.items() if relation.reltype.endswith(_UNUSED_PARTS)
        ]:
            del relations[key]
    styles = document.styles
    for style in list(styles):
        if style.type is WD_STYLE_TYPE.TABLE and not style.element.default:
            style.delete()
    fonts = styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{_RUN_PROPERTIES}")
    _set_fonts(fonts)
    language = fonts.find(qn("w:lang"))
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")
    theme = document.settings.element.find(qn("w:themeFontLang"))
    theme.set(qn("w:eastAsia"), "zh-CN")
    _restyle(document)
    page = document.sections[0]
    page.page_width, page.page_height = Twips(11906), Twips(16838)  # A4
    page.left_margin = page.right_margin = Twips(1304)
    page.top_margin = page.bottom_margin = Twips(1304)
    _number_pages(document)
    return _saved(document)


def _restyle(document: Docx) -> None:
    styles = document.styles
    heading: ParagraphStyle = styles["Heading 1"]
    heading.font.size, heading.font.color.rgb = Pt(18), RGBColor(0x22, 0x26, 0x2A)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(0), Pt(4)
    subtitle: ParagraphStyle = styles["Subtitle"]
    subtitle.font.size, subtitle.font.color.rgb = Pt(10), _GREY
    subtitle.font.italic, subtitle.font.bold = False, False
    subtitle.paragraph_format.space_after = Pt(18)
    section: ParagraphStyle = styles["Heading 2"]
    section.font.size, section.font.color.rgb = Pt(13), RGBColor(0x22, 0x26, 0x2A)
    third: ParagraphStyle = styles["Heading 3"]
    third.font.size, third.font.color.rgb = Pt(11.5), RGBColor(0x22, 0x26, 0x2A)
    for style in (heading, subtitle, section, third):
        _set_fonts(style.element.get_or_add_rPr())
    text: ParagraphStyle = styles.add_style("Transcript", WD_STYLE_TYPE.PARAGRAPH)
    text.base_style = styles["Normal"]
    text.font.size = Pt(11)
    text.paragraph_format.line_spacing, text.paragraph_format.space_after = 1.4, Pt(8)
    timed: ParagraphStyle = styles.add_style("Timed", WD_STYLE_TYPE.PARAGRAPH)
    timed.base_style = text
    timed.paragraph_format.left_indent = _TIME_COLUMN
    timed.paragraph_format.first_line_indent = Twips(-_TIME_COLUMN.twips)
    timed.paragraph_format.tab_stops.add_tab_stop(_TIME_COLUMN)
    time = styles.add_style("Time", WD_STYLE_TYPE.CHARACTER)
    time.font.size, time.font.color.rgb = Pt(9), _GREY


def _set_fonts(properties: Any) -> None:
    """Set the fonts of both scripts, and remove the theme's, which would override them."""
    fonts = properties.find(_FONTS)
    if fonts is None:
        fonts = OxmlElement("w:rFonts")
        properties.insert(0, fonts)
    fonts.attrib.clear()
    for script, name in (
        ("w:ascii", _LATIN_FONT),
        ("w:hAnsi", _LATIN_FONT),
        ("w:cs", _LATIN_FONT),
        ("w:eastAsia", _CHINESE_FONT),
    ):
        fonts.set(qn(script), name)


def _number_pages(document: Docx) -> None:
    line = document.sections[0].footer.paragraphs[0]
    line.alignment = 1  # centred
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run = line.add_run("1", style="Time")
    field.append(run._r)
    line._p.append(field)


def _describe(document: Docx, title: str, provenance: Provenance, language: str) -> None:
    about = document.core_properties
    # The standard's limit; python-docx refuses more.
    about.title, about.language = title[:255], language
    about.author = about.last_modified_by = "Longscribe"
    about.comments = ""
    about.created = about.modified = provenance.completed_at or _WITHOUT_DATE


def _saved(document: Docx) -> bytes:
    """The document as a zip file without times of writing, so that its bytes are reproducible."""
    as_saved, reproducible = io.BytesIO(), io.BytesIO()
    document.save(as_saved)
    with (
        zipfile.ZipFile(as_saved) as source,
        zipfile.ZipFile(reproducible, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return reproducible.getvalue()
