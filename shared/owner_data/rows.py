"""The rows of a table as JSON, some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select, tuple_

from shared.db import Database, readable_rows
from shared.dialects import told_limit
from shared.models import Base
from shared.owner_data.tables import Held

_PAGE = 500

Row = dict[str, Any]


def table_named(name: str) -> Table:
    return Base.metadata.tables[name]


def belongs(table: Table, held: Held, value: str) -> ColumnElement[bool]:
    """The condition that a row is held by `value`: an owner's id, or a job's."""
    return or_(*(table.c[column] == value for column in (held.column, *held.also)))


def rows_of(db: Database, name: str, held: Held, value: str) -> Iterator[Row]:
    """The rows that `value` holds, by their key, without what is hidden. A page of them is read at
    a time; those that cannot be read are left out."""
    table = table_named(name)
    key = list(table.primary_key.columns)
    wanted = select(table).where(belongs(table, held, value)).order_by(*key)
    after: tuple[Any, ...] | None = None
    while True:
        page = wanted if after is None else wanted.where(tuple_(*key) > after)
        with db.reading() as session:
            rows = readable_rows(session, page.limit(told_limit(_PAGE)))
        for row in rows:
            yield {
                column.name: row._mapping[column]
                for column in table.columns
                if column.name not in held.hidden
            }
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1]._mapping[column] for column in key)


def json_pieces(rows: Iterator[Row]) -> Iterator[bytes]:
    """A JSON array of rows, a piece each."""
    between = b"[\n"
    for row in rows:
        yield between + json_text(row)
        between = b",\n"
    yield b"[]\n" if between == b"[\n" else b"\n]\n"


def json_text(value: Any) -> bytes:
    """A value as JSON in UTF-8; times as ISO 8601."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")
