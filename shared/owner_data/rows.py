"""The rows of a table as JSON, some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
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
    held_rows = belongs(table, held, value)
    after: tuple[Any, ...] | None = None
    while True:
        keys = select(*key).where(held_rows).order_by(*key).limit(told_limit(_PAGE))
        with db.reading() as session:
            # First the keys alone, for a page may have rows that cannot be read, and nothing else.
            page = session.execute(
                keys if after is None else keys.where(tuple_(*key) > after)
            ).all()
            if not page:
                return
            first, last = tuple(page[0]), tuple(page[-1])
            within = (tuple_(*key) >= first, tuple_(*key) <= last)
            rows = readable_rows(session, select(table).where(held_rows, *within).order_by(*key))
        for row in rows:
            yield _told(table, held, value, row)
        if len(page) < _PAGE:
            return
        after = last


def _told(table: Table, held: Held, value: str, row: Any) -> Row:
    is_anothers = row._mapping[table.c[held.column]] not in (None, value)
    return {
        column.name: None
        if is_anothers and column.name in held.not_others
        else row._mapping[column]
        for column in table.columns
        if column.name not in held.hidden
    }


def json_pieces(rows: Iterator[Row]) -> Iterator[bytes]:
    """A JSON array of rows, a piece each."""
    between = b"[\n"
    for row in rows:
        yield between + json_text(row)
        between = b",\n"
    yield b"[]\n" if between == b"[\n" else b"\n]\n"


def json_text(value: Any) -> bytes:
    """A value as JSON in UTF-8; times as ISO 8601."""
    return json.dumps(value, ensure_ascii=False, default=_as_text).encode("utf-8", "replace")


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
