"""Statements that SQLite and PostgreSQL each write differently."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    any_,
    bindparam,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session


def hold_lock(session: Session, key: int) -> None:
    """Wait for other transactions that hold the lock `key`, and block them until this one ends.

    Does nothing in SQLite, which has one writer at a time anyway.
    """
    if not _is_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def upsert(session: Session, table: type[Any]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that has `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return sqlite.insert(table) if _is_sqlite(session) else postgresql.insert(table)


def told_limit(most: int) -> ColumnElement[int]:
    """A LIMIT that is written into the statement.

    As a parameter PostgreSQL takes it for a tenth of all rows, and so never keeps a plan that would
    serve the next call too, but makes one for each.
    """
    return literal_column(str(int(most)), Integer)


def one_of(
    session: Session, column: InstrumentedAttribute[int], numbers: Collection[int]
) -> ColumnElement[bool]:
    """The condition that a column is one of many numbers.

    PostgreSQL is given them as one array: a parameter for each costs it and its driver as much as
    looking the rows up, and makes another statement of it for each count.
    """
    if _is_sqlite(session):
        return column.in_(numbers)
    array = bindparam(None, list(numbers), type_=postgresql.ARRAY(BigInteger), unique=True)
    return column == any_(array)


def json_array_length(session: Session, column: Any, key: str) -> ColumnElement[int]:
    """How many values the array has that lies under a key of the JSON in a column."""
    if _is_sqlite(session):
        return func.json_array_length(column, f"$.{key}", type_=Integer)
    return func.json_array_length(column[key], type_=Integer)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
