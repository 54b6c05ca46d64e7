"""The paragraphs and rows of a Word document's XML that have placeholders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docx.oxml.ns import qn
from lxml import etree

from shared.export.reports.placeholders import (
    FIELDS,
    MOST_IN_A_REPEAT,
    Checked,
    names_in,
    require_one_kind,
)
from shared.export.reports.refusals import (
    NotInTheText,
    PlaceholderNotClosed,
    RepeatNotPlain,
)

PARAGRAPH, TEXT, ROW = qn("w:p"), qn("w:t"), qn("w:tr")

_LARGEST_REPEAT = 32 * 1024
"""Bytes of XML of what is repeated."""

_TEXT_BOX = qn("w:txbxContent")
_PICTURES = frozenset(
    (
        *(qn("w:drawing"), qn("w:pict"), qn("w:object"), qn("w:altChunk"), qn("w:sdt")),
        *(qn("w:footnoteReference"), qn("w:endnoteReference"), qn("w:commentReference")),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent",
    )
)
"""Elements that would be in a document many times under one number, if they were repeated."""


@dataclass(frozen=True, slots=True)
class Place:
    """A paragraph, or a row with all of its paragraphs, that has placeholders."""

    element: Any
    texts: list[Any]
    """Text elements of a paragraph."""
    several_of: str = ""
    """Name of the list for whose items the place is repeated; empty: it is filled in once."""
    is_alone: bool = False
    """True if the placeholder is all of its paragraph, which becomes paragraphs as they come."""


def texts_by_paragraph(root: Any) -> dict[Any, list[Any]]:
    """The elements of text of each paragraph, which are not those of a text box within it."""
    texts: dict[Any, list[Any]] = {}
    for text in root.iter(TEXT):
        paragraph = next(text.iterancestors(PARAGRAPH), None)
        if paragraph is not None:
            texts.setdefault(paragraph, []).append(text)
    return texts


def joined(texts: list[Any]) -> str:
    """A paragraph's text, in which a placeholder stands as a whole: Word cuts it into pieces."""
    return "".join(text.text or "" for text in texts)


def places_in(root: Any, checked: Checked, *, is_main: bool) -> list[Place]:
    """Places of a part that have to be filled in; `is_main` where it is the text itself.

    Raises TemplateRefused, with the paragraph.
    """
    places: list[Place] = []
    rows: dict[Any, None] = {}
    for paragraph, texts in texts_by_paragraph(root).items():
        text = joined(texts)
        if "{{" not in text:
            continue
        several_of, names = checked.text(text)
        if text.count("{{") != len(names):
            raise PlaceholderNotClosed(excerpt=text)
        if several_of and not is_main:
            raise NotInTheText(excerpt=text, name=several_of)
        row = _row_of(paragraph)
        is_alone = several_of in names
        if several_of and not is_alone and row is not None:
            rows[row] = None
        elif several_of:
            checked.count(0, several_of=several_of)
            _require_plain(paragraph, text)
            places.append(Place(paragraph, texts, several_of, is_alone))
        else:
            places.append(Place(paragraph, texts))
    return [*_of_rows(rows, checked), *(one for one in places if not _is_within(one, rows))]


def _of_rows(rows: dict[Any, None], checked: Checked) -> Iterator[Place]:
    for row in rows:
        _require_small(row)
        text = " ".join(map(joined, texts_by_paragraph(row).values()))
        several_of = require_one_kind(names_in(text), excerpt=text)
        is_nested = any(inner is not row for inner in row.iter(ROW))
        if is_nested or any(name in FIELDS for name in names_in(text)):
            raise RepeatNotPlain(excerpt=text, most=MOST_IN_A_REPEAT)
        _require_plain(row, text)
        checked.count(0, several_of=several_of)
        yield Place(row, [], several_of)


def _is_within(place: Place, rows: dict[Any, None]) -> bool:
    return any(above in rows for above in place.element.iterancestors(ROW))


def _row_of(paragraph: Any) -> Any | None:
    """The row of a table in which a paragraph stands, unless it is in a text box there."""
    for above in paragraph.iterancestors(ROW, _TEXT_BOX):
        return above if above.tag == ROW else None
    return None


def _require_small(element: Any, text: str = "") -> None:
    if len(etree.tostring(element)) > _LARGEST_REPEAT:
        raise RepeatNotPlain(excerpt=text, most=MOST_IN_A_REPEAT)


def _require_plain(element: Any, text: str) -> None:
    _require_small(element, text)
    is_plain = len(names_in(text)) <= MOST_IN_A_REPEAT and not any(
        within.tag in _PICTURES for within in element.iter()
    )
    if not is_plain:
        raise RepeatNotPlain(excerpt=text, most=MOST_IN_A_REPEAT)
