"""A document opens, shows Chinese in a Chinese font, and carries nothing of where it was made."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from shared.export.formats import FORMATS
from shared.export.options import ExportOptions, Provenance
from shared.transcripts.values import Sentence, Transcript
from tests.support.factories import TRANSCRIPT

DOCX = FORMATS["docx"]
HERE = Provenance("job-1", "周会 standup", datetime(2026, 11, 22, 8, 30, tzinfo=UTC))


def packed(transcript: Transcript = TRANSCRIPT, **options: bool) -> bytes:
    defaults = DOCX.defaults
    chosen = {"timestamps": defaults.timestamps, "paragraphs": False, "spacing": True, **options}
    return DOCX.render(transcript, HERE, ExportOptions(**chosen))  # type: ignore[arg-type]


def opened(content: bytes) -> docx.document.Document:
    return docx.Document(io.BytesIO(content))


def texts(content: bytes) -> list[str]:
    return [paragraph.text for paragraph in opened(content).paragraphs]


def part(content: bytes, name: str) -> etree._Element:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return etree.fromstring(package.read(name))


def test_a_document_has_a_heading_the_length_and_the_text_with_times() -> None:
    assert texts(packed()) == [
        "周会 standup",
        "时长 00:00:12",
        "00:00:00\t大家好。",
        "00:00:02\t用 GPU 吗？",
    ]
    assert opened(packed()).paragraphs[0].style.name == "Heading 1"  # type: ignore[union-attr]
    assert texts(packed(timestamps=False))[2:] == ["大家好。", "用 GPU 吗？"]
    assert texts(packed(timestamps=False, paragraphs=True))[2:] == ["大家好。用 GPU 吗？"]


def test_a_document_says_when_it_was_and_who_took_part() -> None:
    told = replace(HERE, day=date(2026, 11, 20), people=("王芳", "Bo"))
    document = DOCX.render(TRANSCRIPT, told, DOCX.defaults)
    assert texts(document)[1] == "2026-11-20 · 时长 00:00:12 · 参会人：王芳、Bo"
    # Where nobody said so, the speakers who have a name.
    first, second = TRANSCRIPT.sentences
    talk = (replace(first, speaker="李娜"), replace(second, speaker="说话人2"))
    named = replace(TRANSCRIPT, sentences=talk)
    assert texts(packed(named))[1] == "时长 00:00:12 · 参会人：李娜"
    assert texts(packed(named, speakers=False))[1] == "时长 00:00:12"


def test_a_document_of_silence_says_so() -> None:
    assert texts(packed(Transcript(5.0, "zh", "demo")))[-1] == "录音中没有听到说话声。"
    assert texts(packed(Transcript(5.0, "en", "demo")))[1:] == [
        "Duration 00:00:05",
        "There is no speech in this recording.",
    ]


def test_chinese_is_drawn_in_a_chinese_font_and_marked_as_chinese() -> None:
    styles = part(packed(), "word/styles.xml")
    default = styles.find(f".//{qn('w:rPrDefault')}/{qn('w:rPr')}")
    assert default is not None
    fonts, language = default.find(qn("w:rFonts")), default.find(qn("w:lang"))
    assert fonts is not None
    assert language is not None
    assert fonts.get(qn("w:eastAsia")) == "Microsoft YaHei"
    assert language.get(qn("w:eastAsia")) == "zh-CN"
    for style in styles.iter(qn("w:style")):
        if style.get(qn("w:styleId")) in ("Heading1", "Subtitle"):
            named = style.find(f"{qn('w:rPr')}/{qn('w:rFonts')}")
            assert named is not None
            assert named.get(qn("w:eastAsia")) == "Microsoft YaHei"
            assert not [name for name in named.attrib if "Theme" in str(name)]
    hints = part(packed(), "word/document.xml").iter(qn("w:rFonts"))
    assert [hint.get(qn("w:hint")) for hint in hints] == ["eastAsia", "eastAsia"]


def test_every_style_that_is_used_is_there() -> None:
    content = packed()
    known = {
        style.get(qn("w:styleId")) for style in part(content, "word/styles.xml").iter(qn("w:style"))
    }
    for name in ("word/document.xml", "word/footer1.xml"):
        used = {
            element.get(qn("w:val"))
            for tag in ("w:pStyle", "w:rStyle")
            for element in part(content, name).iter(qn(tag))
        }
        assert used
        assert used <= known


def test_a_documents_properties_are_the_recordings_and_not_the_servers() -> None:
    about = opened(packed()).core_properties
    assert (about.title, about.author, about.language) == ("周会 standup", "Longscribe", "zh-CN")
    assert about.created == about.modified == HERE.completed_at
    with zipfile.ZipFile(io.BytesIO(packed())) as package:
        everything = b"".join(package.read(name) for name in package.namelist())
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = set(package.namelist())
    assert not re.search(rb"python-docx|job-1|/home/|/tmp/", everything)
    # Nothing is named that is not there: Word calls such a file damaged.
    content_types = part(packed(), "[Content_Types].xml")
    assert {
        str(override.get("PartName")).lstrip("/")
        for override in content_types
        if override.get("PartName")
    } <= names


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.text(max_size=300))
def test_any_text_makes_a_document_that_opens(sentences: list[str], title: str) -> None:
    """XML allows no control characters."""
    transcript = Transcript(
        9.0, "zh", "demo", tuple(Sentence(n, n + 0.5, text) for n, text in enumerate(sentences))
    )
    content = DOCX.render(transcript, Provenance("job-1", title), DOCX.defaults)
    assert len(opened(content).paragraphs) >= 2


@pytest.mark.bench
def test_a_document_of_ten_hours_takes_seconds_and_megabytes() -> None:
    import resource
    import time

    sentence = "这是一句有二十个汉字的话它不长也不短。"
    long = Transcript(
        36_000.0,
        "zh",
        "demo",
        tuple(Sentence(n * 6.0, n * 6.0 + 5.5, sentence) for n in range(6_000)),
    )
    packed()  # imports and the template
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for paragraphs in (True, False):
        began = time.process_time()
        size = len(packed(long, paragraphs=paragraphs))
        took = time.process_time() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        print(f"120,000 characters, {paragraphs=}: {took:.2f} s, +{grown // 1024} MiB, {size} B")
        assert took < 5
        assert grown < 200 * 1024


def test_a_document_names_who_speaks_in_bold_where_that_is_known() -> None:
    first, second = TRANSCRIPT.sentences
    talk = replace(TRANSCRIPT, sentences=(replace(first, speaker="客户"), second))
    assert texts(packed(talk))[2:] == ["00:00:00\t客户：大家好。", "00:00:02\t用 GPU 吗？"]
    named, other = opened(packed(talk)).paragraphs[2:]
    assert [run.text for run in named.runs if run.bold] == ["客户："]
    assert not any(run.bold for run in other.runs)
    assert texts(packed(talk, speakers=False))[2] == "00:00:00\t大家好。"
