"""The SQL database: connections, transactions, its clock, and how to tell that it is out.

SQLite and PostgreSQL behave alike here.  Leases compare times of one clock only, the
database's, so a worker whose own clock is an hour off neither loses nor steals jobs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Engine, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator

from shared import postgresql

_BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another; with BEGIN IMMEDIATE no other error is left."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on both databases (SQLite stores text without an offset)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times must carry their time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class database_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's clock as an SQL expression, `offset_s` seconds from now."""

    type = UtcDateTime()
    inherit_cache = True
    # The offset is written into the SQL, so a compiled statement serves this offset only.
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's name and type
        *FunctionElement._traverse_internals,
        ("offset_s", InternalTraversal.dp_plain_obj),
    ]

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = float(offset_s)
        super().__init__()


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: Any, **kwargs: Any) -> str:
    # Milliseconds, written as SQLAlchemy writes microseconds, so that text order is time order.
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', '{element.offset_s:+.3f} seconds') || '000')"


@compiles(database_now, "postgresql")
def _postgresql_now(element: database_now, compiler: Any, **kwargs: Any) -> str:
    # now() would be the start of the transaction, which may have waited for a lock.
    return f"(clock_timestamp() + make_interval(secs => {element.offset_s!r}))"


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a committed job survives a power cut, which NORMAL does not promise in WAL mode.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A plain BEGIN takes the write lock only at the first write, and if another writer came
        # in between SQLite fails at once, whatever the busy timeout.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_SQLITE_LATER = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
_SQLITE_PRIMARY_CODE = 0xFF
"""SQLite's extended codes keep the code that they refine in their lowest byte."""


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not be reached, or could not take this just now, so that the same
    may succeed later: no connection, one that broke, a server that starts, stops or has crashed, a
    SQLite file that is locked or a disk that is full.

    A statement that the database understood and refused is none of these.
    """
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)  # only where SQLite itself spoke
        return code is not None and code & _SQLITE_PRIMARY_CODE in _SQLITE_LATER
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # no server said anything
        return isinstance(error, OperationalError | InterfaceError)
    return postgresql.is_passing(state)


class Database:
    """One engine and the two kinds of transaction. Keep I/O out of both.

    With `impatient` (PostgreSQL), a statement that gets no answer counts as a lost connection.
    """

    def __init__(self, url: str, *, impatient: bool = True) -> None:
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self.engine = create_engine(url)
            _configure_sqlite(self.engine)
        else:
            self.engine = create_engine(
                url, pool_pre_ping=True, connect_args=postgresql.CONNECT_OPTIONS
            )
            postgresql.configure(self.engine, impatient=impatient)
        self._writing_engine = self.engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed at the end and rolled back on any error."""
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        self.engine.dispose()
