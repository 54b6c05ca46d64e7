"""The log as a file, written while it is read: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from shared.audit.reading import Entry

COLUMNS = (
    *("id", "at", "act", "account", "account_id", "means", "key", "key_id", "address"),
    *("request_id", "object", "object_id", "about", "about_id", "detail"),
)

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Mark by which spreadsheets know that a file is UTF-8."""


def as_values(entry: Entry) -> dict[str, Any]:
    """An entry's values by COLUMNS, as JSON has them."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "act": entry.act,
        "account": entry.actor_name,
        "account_id": entry.actor_id,
        "means": entry.means,
        "key": entry.key_name,
        "key_id": entry.key_id,
        "address": entry.address,
        "request_id": entry.request_id,
        "object": entry.kind,
        "object_id": entry.object_id,
        "about": entry.subject_name,
        "about_id": entry.subject_id,
        "detail": entry.detail,
    }


def json_lines(found: Iterable[Entry]) -> Iterator[str]:
    """A JSON object for each entry, and a line's end."""
    for entry in found:
        yield json.dumps(as_values(entry), ensure_ascii=False) + "\n"


def csv_lines(found: Iterable[Entry]) -> Iterator[str]:
    """The heading and a line for each entry, none of which a spreadsheet carries out."""
    yield _MARK + _line(COLUMNS)
    for entry in found:
        values = as_values(entry)
        detail = values["detail"]
        values["detail"] = json.dumps(detail, ensure_ascii=False) if detail else ""
        yield _line([harmless(values[name]) for name in COLUMNS])


def harmless(value: Any) -> str:
    """A cell's text, with an apostrophe before what a spreadsheet would take for a formula.

    >>> harmless("=1+1"), harmless("ann"), harmless(None)
    ("'=1+1", 'ann', '')
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


WRITERS = {"csv": (csv_lines, "text/csv"), "jsonl": (json_lines, "application/jsonl")}
"""Writer and media type of each file format."""
