"""Word documents for tests: made with python-docx, and with parts changed as no editor does."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from docx import Document
from docx.document import Document as Docx


def a_document(*paragraphs: str) -> Docx:
    """A document to which more may be added."""
    made = Document()
    for text in paragraphs:
        made.add_paragraph(text)
    return made


def saved(document: Docx) -> bytes:
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def opened(content: bytes) -> Docx:
    return Document(io.BytesIO(content))


def texts(content: bytes) -> list[str]:
    """The paragraphs of a document outside of tables."""
    return [paragraph.text for paragraph in opened(content).paragraphs]


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The document with a part changed, or a new one made of nothing."""
    parts = parts_of(content)
    return packed(parts | {name: change(parts.get(name, b""))})
