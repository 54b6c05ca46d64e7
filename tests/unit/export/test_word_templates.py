"""Reports from templates that are Word documents."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_BREAK

from shared.export.options import ExportOptions, Provenance
from shared.export.reports.refusals import (
    MixedFields,
    NotInTheText,
    PlaceholderNotAlone,
    PlaceholderNotClosed,
    RepeatNotPlain,
    ReportTooLarge,
    TemplateRefused,
    TooManyPlaceholders,
    UnknownPlaceholder,
)
from shared.export.reports.report import built_in, write_docx
from shared.export.reports.samples import sample
from shared.export.reports.word import filling
from shared.transcripts.values import Transcript
from tests.support.documents.word import a_document, opened, parts_of, saved, texts, with_part
from tests.unit.export.test_report import ABOUT, MEETING, OPTIONS


def filled(
    template: bytes, about: Provenance = ABOUT, said: Transcript = MEETING, **options: bool
) -> bytes:
    filling.check(template)
    return filling.write(template, said, about, replace(OPTIONS, **options))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_sample_is_the_built_in_layout(language: str) -> None:
    said = replace(MEETING, language=language)
    made = filled(sample("docx", language), said=said)
    assert texts(made) == texts(write_docx(built_in(language), said, ABOUT, OPTIONS))
    assert made == filled(sample("docx", language), said=said)
    assert opened(made).core_properties.title == "周会 *1*"


def test_a_placeholder_is_found_in_pieces_in_a_header_and_in_a_cell() -> None:
    document = a_document()
    cut = document.add_paragraph("A ")
    for piece, bold in (
        ("{", True),
        ("{ti", False),
        ("tle}", False),
        ("}, {{date}} {{people}}", False),
    ):
        cut.add_run(piece).bold = bold
    document.sections[0].header.paragraphs[0].text = "{{ title }}"
    document.add_table(1, 1).cell(0, 0).text = "{{duration}}"
    made = opened(filled(saved(document)))
    assert made.paragraphs[0].text == "A 周会 *1*, 2026-11-30 王芳、Bo"
    # In the look in which it begins.
    assert [run.text for run in made.paragraphs[0].runs if run.bold] == ["周会 *1*"]
    assert made.sections[0].header.paragraphs[0].text == "周会 *1*"
    assert made.tables[0].cell(0, 0).text == "00:01:05"


def test_a_row_is_repeated_for_each_with_its_fields() -> None:
    document = a_document()
    for fields in (
        "{{todos.who}}|{{todos.text}}|{{todos.due}}",
        "{{notes.time}}|{{notes.text}}|{{title}}",
    ):
        table = document.add_table(2, 3)
        for cell, text in zip(table.rows[1].cells, fields.split("|"), strict=True):
            cell.text = text
    second = replace(ABOUT.marks[3], text="订会议室", who="", due="")
    made = opened(filled(saved(document), replace(ABOUT, marks=(*ABOUT.marks, second))))
    todos, notes = ([[cell.text for cell in row.cells] for row in t.rows[1:]] for t in made.tables)
    assert todos == [["Bo", "问价", "周五"], ["", "订会议室", ""]]
    assert notes == [["", "无", "周会 *1*"]]


def test_a_paragraph_is_repeated_in_its_own_style() -> None:
    document = a_document("Before")
    document.add_paragraph("{{decisions}}", style="List Number")
    document.add_paragraph("{{transcript.speaker}} said {{transcript.text}}", style="Quote")
    document.add_paragraph("{{summary}}")
    about = replace(ABOUT, summary=("便宜", "贵"))
    made = opened(filled(saved(document), about)).paragraphs
    assert [(one.style.name if one.style else "", one.text) for one in made] == [
        ("Normal", "Before"),
        ("List Number", "不买（00:00:03）"),
        ("Quote", "王芳 said 大家好。"),
        # What takes a placeholder's place is not looked at again.
        ("Quote", "Bo said 用 GPU 吗？{{title}}"),
        ("Normal", "便宜"),
        ("Normal", "贵"),
    ]


def test_the_transcript_has_chapters_speakers_and_times() -> None:
    document = a_document()
    document.add_paragraph("{{transcript}}", style="Body Text")
    made = opened(filled(saved(document), timestamps=True)).paragraphs
    assert [(one.style.name if one.style else "", one.text) for one in made] == [
        ("Heading 3", "开场"),
        ("Body Text", "王芳：00:00:00 大家好。"),
        ("Heading 3", "GPU"),
        ("Body Text", "Bo：00:00:20 用 GPU 吗？{{title}}"),
    ]
    assert made[1].runs[0].bold and not made[1].runs[1].bold
    without = with_part(
        saved(document), "word/styles.xml", lambda xml: xml.replace(b'"heading 3"', b'"none"')
    )
    assert opened(filled(without)).paragraphs[0].runs[0].bold


def test_nothing_leaves_a_cell_without_a_paragraph_and_a_section_ends_once() -> None:
    document = a_document()
    document.add_table(1, 1).cell(0, 0).text = "{{transcript}}"
    document.add_paragraph("{{notes}}")
    document.add_section(WD_SECTION.NEW_PAGE)
    silent = opened(
        filled(saved(document), said=Transcript(0, "en", "demo"), about=Provenance("1"))
    )
    assert silent.tables[0].cell(0, 0).text == "none"
    marks = (
        ABOUT.marks[1],
        replace(ABOUT.marks[1], kind="note"),
        replace(ABOUT.marks[1], kind="note"),
    )
    made = opened(filled(saved(document), replace(ABOUT, marks=marks)))
    assert len(made.sections) == 2
    assert [one.text for one in made.paragraphs[:2]] == ["不买（00:00:03）"] * 2


def test_a_page_begins_and_ends_once() -> None:
    document = a_document()
    repeated = document.add_paragraph("{{transcript.text}}")
    repeated.paragraph_format.page_break_before = True
    document.add_paragraph("{{transcript}}").add_run().add_break(WD_BREAK.PAGE)
    xml = parts_of(filled(saved(document)))["word/document.xml"]
    assert (xml.count(b"pageBreakBefore"), xml.count(b"<w:br ")) == (1, 1)
    assert xml.index(b"<w:br ") > xml.index("吗".encode(), xml.index(b"Bo"))


@pytest.mark.parametrize(
    ("paragraphs", "error", "told"),
    [
        (["fine", "By {{todo.whom}}"], UnknownPlaceholder, "By {{todo.whom}}.*{{todos.who}}"),
        (["{{decison}}"], UnknownPlaceholder, "nearest is {{decisions}}"),
        (["{{title.__class__}}"], UnknownPlaceholder, "title"),
        (["{% for x in range(10**9) %}{{x}}{% endfor %}"], UnknownPlaceholder, "{{x}}"),
        (["Agenda: {{agenda}}"], PlaceholderNotAlone, "agenda.text"),
        (["{{agenda.text}} {{todos.text}}"], MixedFields, "agenda and todos"),
        (["{{title}"], PlaceholderNotClosed, "{{title}"),
        (["{{notes}}"] * 4, TooManyPlaceholders, "3 times"),
        (["{{title}} " * 301], TooManyPlaceholders, "300"),
        (["{{notes.text}} " * 13], RepeatNotPlain, "12"),
        (["{{notes.text}}" + "x" * 40_000], RepeatNotPlain, "little"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_in_is_refused_and_where_it_is(
    paragraphs: list[str], error: type[TemplateRefused], told: str
) -> None:
    with pytest.raises(error, match=told):
        filling.check(saved(a_document(*paragraphs)))


def test_what_becomes_several_has_its_place() -> None:
    document = a_document()
    document.sections[0].footer.paragraphs[0].text = "{{todos}}"
    with pytest.raises(NotInTheText):
        filling.check(saved(document))
    document = a_document()
    cells = document.add_table(1, 2).rows[0].cells
    cells[0].text, cells[1].text = "{{todos.text}}", "{{todos}}"
    with pytest.raises(RepeatNotPlain):
        filling.check(saved(document))
    cells[1].text = "{{notes.text}}"
    with pytest.raises(MixedFields):
        filling.check(saved(document))
    cells[1].text = ""
    cells[1].add_table(1, 1)
    with pytest.raises(RepeatNotPlain):
        filling.check(saved(document))
    pictured = a_document("{{todos.text}}")
    pictured.paragraphs[0].add_run().add_picture(io.BytesIO(_DOT))
    with pytest.raises(RepeatNotPlain):
        filling.check(saved(pictured))


def test_what_is_made_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_MOST_CHARACTERS", 2000)
    template = saved(a_document("{{transcript}}"))
    said = replace(MEETING, sentences=MEETING.sentences * 20)
    with pytest.raises(ReportTooLarge):
        filling.write(template, said, ABOUT, ExportOptions())


def test_what_is_no_text_stays_as_it_is() -> None:
    document = a_document("{{title}}")
    document.add_paragraph().add_run().add_picture(io.BytesIO(_DOT))
    before, after = parts_of(saved(document)), parts_of(filled(saved(document)))
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert changed <= {"word/document.xml", "word/settings.xml", "docProps/core.xml"}


_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)
"""A PNG of one pixel."""
