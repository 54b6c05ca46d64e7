"""Reports from a template of text."""

from __future__ import annotations

import io
from datetime import date

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.export.options import ExportOptions, FileMark, Provenance
from shared.export.reports.report import (
    BUILT_IN,
    built_in,
    checked_template,
    write_docx,
    write_markdown,
)
from shared.transcripts.values import Sentence, Transcript

OPTIONS = ExportOptions(paragraphs=True, spacing=True)
MEETING = Transcript(
    65,
    "zh",
    "demo",
    (
        Sentence(0, 3, "大家好。", speaker="王芳"),
        Sentence(20, 23, "用GPU吗？{{title}}", speaker="Bo"),
    ),
)
ABOUT = Provenance(
    "id",
    "周会 *1*",
    day=date(2026, 11, 30),
    people=("王芳", "Bo"),
    marks=(
        FileMark("chapter", 0, "开场"),
        FileMark("decision", 3, "不买"),
        FileMark("chapter", 20, "GPU"),
        FileMark("todo", 21, "问价", "Bo", "周五"),
    ),
)


def test_the_built_in_template_has_all_that_is_handed_over() -> None:
    assert write_markdown(built_in("zh"), MEETING, ABOUT, OPTIONS) == (
        "# 周会 \\*1\\*\n\n- 日期：2026-11-30\n- 参会人：王芳、Bo\n- 时长：00:01:05\n\n"
        "## 议程\n\n- 开场（00:00:00）\n- GPU（00:00:20）\n\n## 决定\n\n- 不买（00:00:03）\n\n"
        "## 待办\n\n- Bo、周五：问价（00:00:21）\n\n## 备注\n\n无\n\n## 全文\n\n"
        "### 开场\n\n**王芳**：大家好。\n\n### GPU\n\n**Bo**：用 GPU 吗？{{title}}\n"
    )
    document = Document(io.BytesIO(write_docx(built_in("zh"), MEETING, ABOUT, OPTIONS)))
    shown = [(p.style.name if p.style else "", p.text) for p in document.paragraphs]
    assert shown[:2] == [("Heading 1", "周会 *1*"), ("List Bullet", "日期：2026-11-30")]
    assert ("Heading 3", "GPU") in shown
    assert shown[-1] == ("Transcript", "Bo：用 GPU 吗？{{title}}")


def test_a_template_of_ones_own_says_what_comes_and_in_which_order() -> None:
    template = checked_template("**{{ title }}** of {{date}}\r\n{{todos}}\r\n## End\n")
    assert write_markdown(template, MEETING, ABOUT, OPTIONS) == (
        "**周会 \\*1\\*** of 2026-11-30\n\n- Bo、周五：问价（00:00:21）\n\n## End\n"
    )


@pytest.mark.parametrize(
    "template",
    [
        "",
        "x" * 20_001,
        "{{unknown}}",
        "{{title.__class__}}",
        "{{ 7 * 7 }}",
        "Agenda: {{agenda}}",
        "{{agenda}}{{todos}} x",
        "\x00",
        "\ud800",
    ],
)
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_template(template)


def test_very_many_spaces_are_read_at_once() -> None:
    template = "{{" + " " * 19_000
    assert checked_template(template) == template
    assert write_markdown("{{" + " " * 19_000 + "x", MEETING, ABOUT, OPTIONS)


@given(st.text(max_size=200))
def test_whatever_is_taken_is_written(template: str) -> None:
    try:
        taken = checked_template(template)
    except InvalidRequest:
        return
    write_markdown(taken, MEETING, ABOUT, OPTIONS)


def test_the_built_in_templates_are_templates() -> None:
    for text in BUILT_IN.values():
        assert checked_template(text) == text
    silent = Transcript(0, "en", "demo")
    assert "## To do\n\nnone" in write_markdown(built_in("en"), silent, Provenance("id"), OPTIONS)
