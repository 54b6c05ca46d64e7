"""Word documents that were made to cost the server something, or to fetch what is not theirs."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.export.reports.refusals import (
    ForbiddenInTemplate,
    NoWordDocument,
    TemplateRefused,
    TemplateTooLarge,
)
from shared.export.reports.word import filling
from tests.support.documents.word import a_document, packed, parts_of, saved, texts, with_part
from tests.unit.export.test_report import ABOUT, MEETING, OPTIONS

PLAIN = saved(a_document("{{title}}"))
MAIN, TYPES = "word/document.xml", "[Content_Types].xml"
RELATIONS = "word/_rels/document.xml.rels"
MACROS = b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
_KIND = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
FETCHES = (
    b'<w:comments xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p>'
    b'<w:fldSimple w:instr="INCLUDEPICTURE http://10.0.0.1/p.png"/></w:p></w:comments>'
)
VML = b'xmlns:v="urn:schemas-microsoft-com:vml'
HIDDEN = b'<Override PartName="/word/comments.dat" ContentType="application/a+xml"/></Types>'
STRICT = (
    b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    b"http://purl.oclc.org/ooxml/wordprocessingml/main",
)
COMPATIBLE = (
    b'<m:AlternateContent xmlns:m="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    b"<m:Fallback>"
)
COMPATIBLE_END = b"</m:Fallback></m:AlternateContent></Types>"


def related(kind: bytes, target: bytes, mode: bytes = b"Internal") -> bytes:
    """The document with one more relation."""
    relation = (
        b'<Relationship Id="rIdX" Type="' + kind + b'" Target="' + target + b'" TargetMode="'
        + mode + b'"/></Relationships>'
    )  # fmt: skip
    return with_part(PLAIN, RELATIONS, lambda xml: xml.replace(b"</Relationships>", relation))


def in_main(text: bytes) -> bytes:
    """The document with XML before the end of its body."""
    return with_part(PLAIN, MAIN, lambda xml: xml.replace(b"<w:sectPr", text + b"<w:sectPr", 1))


def declared(doctype: bytes) -> bytes:
    return with_part(PLAIN, MAIN, lambda xml: xml.replace(b"<w:document", doctype + b"<w:document"))


def typed(old: bytes, new: bytes) -> bytes:
    return with_part(PLAIN, TYPES, lambda xml: xml.replace(old, new))


def code(text: bytes) -> bytes:
    """A field whose code is cut into two pieces."""
    half = len(text) // 2
    pieces = b"".join(
        b'<w:r><w:instrText xml:space="preserve">' + part + b"</w:instrText></w:r>"
        for part in (text[:half], text[half:])
    )
    begin, end = (
        b'<w:r><w:fldChar w:fldCharType="' + kind + b'"/></w:r>' for kind in (b"begin", b"end")
    )
    return in_main(b"<w:p>" + begin + pieces + end + b"</w:p>")


@pytest.mark.parametrize(
    "document",
    [
        lambda: typed(b"wordprocessingml.document.main", b"ms-word.document.macroEnabled.main"),
        lambda: typed(b"</Types>", MACROS),
        lambda: related(_KIND.replace(b"openxml", b"ms") + b"vbaProject", b"m.bin"),
        lambda: related(_KIND + b"oleObject", b"embeddings/oleObject1.bin"),
        lambda: related(_KIND + b"aFChunk", b"chunk.html"),
        lambda: related(_KIND + b"image", b"http://10.0.0.1/pixel.png", b"External"),
        lambda: related(_KIND + b"image", b"file:///etc/passwd", b"External"),
        lambda: related(_KIND + b"hyperlink", b"file://server/share", b"External"),
        lambda: related(_KIND + b"header", b"http://10.0.0.1/h.xml", b"external"),
        lambda: declared(b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        lambda: declared(b'<!DOCTYPE w [<!ENTITY a "' + b"x" * 9999 + b'">]>'),
        lambda: code(b" DDEAUTO c:\\\\cmd.exe "),
        lambda: code(b' includepicture "http://10.0.0.1/p.png" '),
        lambda: in_main(b'<w:p><w:fldSimple w:instr=" INCLUDETEXT c:/secret.txt "/></w:p>'),
        lambda: code(b'INCLUDEPICTURE"http://10.0.0.1/p.png"'),
        lambda: with_part(PLAIN, "word/comments.xml", lambda _: FETCHES),
        lambda: with_part(related(_KIND + b"header", b"H.xml"), "word/h.xml", lambda _: FETCHES),
        lambda: in_main(b'<w:p><v:imagedata ' + VML + b'" src="http://10.0.0.1/p.png"/></w:p>'),
        lambda: typed(b"</Types>", COMPATIBLE + b"<Override " + MACROS[8:-8] + COMPATIBLE_END),
    ],
)  # fmt: skip
def test_what_runs_or_fetches_something_is_refused(document: Callable[[], bytes]) -> None:
    with pytest.raises((ForbiddenInTemplate, NoWordDocument)):
        filling.check(document())


@pytest.mark.parametrize(
    "document",
    [
        lambda: b"",
        lambda: b"PK\x03\x04",
        lambda: PLAIN[: len(PLAIN) // 2],
        lambda: b"\xd0\xcf\x11\xe0" + PLAIN,
        lambda: packed({"a.txt": b"no document"}),
        lambda: packed(parts_of(PLAIN) | {"WORD/document.xml": b"<other/>"}),
        lambda: packed(parts_of(PLAIN) | {"../../evil.xml": b"<a/>"}),
        lambda: with_part(PLAIN, MAIN, lambda xml: xml[:-20]),
        lambda: with_part(PLAIN, MAIN, lambda xml: xml.decode().encode("utf-16")),
        lambda: with_part(PLAIN, MAIN, lambda xml: xml.replace(b"UTF-8", b"cp037", 1)[:40]),
        lambda: packed({n: content for n, content in parts_of(PLAIN).items() if n != MAIN}),
        lambda: typed(b"/word/document.xml", b"/word/settings.xml"),
        lambda: with_part(PLAIN, MAIN, lambda xml: xml.replace(*STRICT)),
        lambda: typed(b"</Types>", HIDDEN),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(document: Callable[[], bytes]) -> None:
    with pytest.raises(NoWordDocument):
        filling.check(document())


def test_a_file_that_unpacks_to_much_is_refused_before_it_is_unpacked() -> None:
    many = packed(parts_of(PLAIN) | {f"word/media/{n}.png": b"" for n in range(200)})
    tags = in_main(b"<w:p/>" * 250_000)
    large = packed(parts_of(PLAIN) | {"word/media/a.png": bytes(17 * 1024**2)})
    for content in (many, tags, large, bytes(1024**2 + 1)):
        with pytest.raises(TemplateTooLarge):
            filling.check(content)


def test_a_length_that_is_a_lie_unpacks_no_more_than_it_says() -> None:
    parts = parts_of(PLAIN) | {"word/media/a.png": bytes(64 * 1024**2)}
    content = packed(parts)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        told = archive.getinfo("word/media/a.png").file_size
    lie = content.replace(struct.pack("<L", told), struct.pack("<L", 100))
    assert lie != content
    tracemalloc.start()
    with pytest.raises(NoWordDocument):
        filling.check(lie)
    assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    tracemalloc.stop()


@pytest.mark.parametrize("target", [b"settings.xml", b"Settings.xml", b"%73ettings.xml"])
def test_the_template_that_a_template_names_is_dropped(target: bytes) -> None:
    kind = _KIND + b"attachedTemplate"
    relations = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId1" Type="' + kind + b'" Target="file:///C:/evil.dotm" '
        b'TargetMode="External"/></Relationships>'
    )
    document = with_part(PLAIN, "word/_rels/settings.xml.rels", lambda _: relations)
    attached = (
        b'<w:attachedTemplate xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/'
        b'relationships" r:id="rId1"/></w:settings>'
    )
    document = with_part(
        document, "word/settings.xml", lambda xml: xml.replace(b"</w:settings>", attached)
    )
    document = with_part(
        document, RELATIONS, lambda xml: xml.replace(b'"settings.xml"', b'"' + target + b'"')
    )
    filling.check(document)
    made = filling.write(document, MEETING, ABOUT, OPTIONS)
    assert not any(
        b"evil" in part or b"attachedTemplate" in part for part in parts_of(made).values()
    )


def test_what_the_word_of_a_company_adds_is_taken() -> None:
    kind = b"http://schemas.microsoft.com/office/2020/02/relationships/classificationlabels"
    relation = b'<Relationship Id="rIdL" Type="' + kind + b'" Target="docMetadata/LabelInfo.xml"/>'
    labelled = with_part(
        PLAIN,
        "_rels/.rels",
        lambda xml: xml.replace(b"</Relationships>", relation + b"</Relationships>"),
    )
    filling.check(with_part(labelled, "docMetadata/LabelInfo.xml", lambda _: b"<labelList/>"))


def test_a_text_that_says_it_is_its_own_header_is_filled_in_once() -> None:
    document = related(_KIND + b"header", b"document.xml")
    made = filling.write(document, MEETING, replace(ABOUT, title="{{no}} {{date}}"), OPTIONS)
    assert texts(made) == ["{{no}} {{date}}"]


def test_a_template_of_word_s_own_becomes_a_document() -> None:
    dotx = typed(b"wordprocessingml.document.main", b"wordprocessingml.template.main")
    filling.check(dotx)
    made = parts_of(filling.write(dotx, MEETING, ABOUT, OPTIONS))
    assert b"wordprocessingml.document.main" in made[TYPES]


@given(st.data())
def test_whatever_is_changed_in_a_document_is_taken_or_refused(data: st.DataObject) -> None:
    content = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        filling.check(bytes(content))
    except TemplateRefused:
        return
    filling.write(bytes(content), MEETING, ABOUT, OPTIONS)
