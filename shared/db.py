"""The SQL database: connections, transactions, its clock, and how to tell that it is out.

SQLite and PostgreSQL behave alike here.  Leases compare times of one clock only, the
database's, so a worker whose own clock is an hour off neither loses nor steals jobs.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import DateTime, Engine, Executable, Row, Select, Update, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator

from shared import postgresql
from shared.strict_json import read_stored

log = structlog.stdlib.get_logger(__name__)

_BUSY_TIMEOUT_MS = 30_000
"""Milliseconds for which a SQLite writer waits for another; with BEGIN IMMEDIATE no other error is
left."""

_PEEKING_CONNECTIONS = 4
"""Number of connections for peeks. Each is held for the tenth of a millisecond that a peek
takes."""
_PEEKING_WAITS_S = 1.0

_NO_PEEKS_S = 5.0
"""Seconds without peeks after one that got no answer: whoever asks in a session instead waits once
and not twice."""


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
    """Return whether the database could not be reached, or could not take this just now, so that
    the same may succeed later: no connection, one that broke, a server that starts, stops or has
    crashed, a SQLite file that is locked or a disk that is full.

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


def readable_rows(
    session: Session, statement: Executable, values: Mapping[str, Any] | None = None
) -> list[Row[Any]]:
    """Rows of a statement without those with a value that their column's type cannot have."""
    with suppress(ValueError, TypeError):
        return list(session.execute(statement, values).all())
    rows: list[Row[Any]] = []
    # Of the connection, for a session's result of mapped columns ends with the first such value.
    result = session.connection().execute(statement, values)
    while True:
        try:
            row = result.fetchone()
        except (ValueError, TypeError):
            log.exception("a stored value cannot be read; its row is left out")
            continue
        if row is None:
            return rows
        rows.append(row)


class Database:
    """Connections, and sessions that read or write. Keep other I/O out of both kinds.

    With `impatient` (PostgreSQL), a statement that gets no answer counts as a lost connection.
    """

    def __init__(self, url: str, *, impatient: bool = True) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self._url, self._impatient = url, impatient
        if self.is_sqlite:
            # One for each thread: writers that wait for one another leave readers theirs.
            self.engine = self._new_engine(max_overflow=-1)
        else:
            self.engine = self._new_engine(pool_pre_ping=True)
        self._writing_engine = self.engine.execution_options(writes=True)
        # SQLite's driver would come back from it with transactions of its own.
        self._single_engine = (
            None if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        # No transaction to begin and to end, and no question before whether anybody is there: these
        # cost several times what looking up a row by its key does.
        self._peeking_engine = self._new_engine(
            isolation_level="AUTOCOMMIT",
            pool_size=_PEEKING_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_PEEKING_WAITS_S,
            pool_reset_on_return=None,
        )
        self._compiled: dict[Select[Any] | Update, _Compiled] = {}
        self._no_peeks_until = 0.0

    def _new_engine(self, **options: Any) -> Engine:
        options["json_deserializer"] = read_stored
        if self.is_sqlite:
            engine = create_engine(self._url, **options)
            _configure_sqlite(engine)
        else:
            url, connecting = postgresql.address(self._url)
            # Else each engine asks the server for a type that no table here has.
            options["use_native_hstore"] = False
            engine = create_engine(url, connect_args=connecting, **options)
            postgresql.configure(engine, impatient=self._impatient)
        return engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing. On SQLite all of it sees one state of the database, on
        PostgreSQL each statement its own.

        On PostgreSQL no transaction is begun for it. Statements there see a state each anyway, the
        exchanges around them cost as much as a look-up, and a ROLLBACK at the end would have the
        driver forget what it prepared, so that every statement were planned anew each time.
        """
        with Session(self._single_engine or self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed at the end and rolled back on any error."""
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing_once(self) -> Iterator[Session]:
        """A session for a single statement that writes, committed with it, at the same saving."""
        if self._single_engine is None:
            with self.writing() as session:
                yield session
            return
        with Session(self._single_engine, expire_on_commit=False) as session:
            yield session

    def peek(self, statement: Select[Any], values: dict[str, Any]) -> list[tuple[Any, ...]] | None:
        """The rows of one SELECT as the driver gives them, for a twentieth of what a session costs.

        It sees one state of the database. The statement is kept compiled: give the same object each
        time. None where the database did not answer; whoever asks in a session hears why.
        """
        compiled = self._compile(statement)
        if time.monotonic() < self._no_peeks_until:
            return None
        unanswered = (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error)
        try:
            connection = self._peeking_engine.raw_connection()
        except unanswered:
            self._no_peeks_until = time.monotonic() + _NO_PEEKS_S
            return None
        try:
            cursor = connection.cursor()
            cursor.execute(compiled.sql, compiled.parameters(values))
            rows = list(cursor.fetchall())
            cursor.close()
        except unanswered:
            connection.invalidate()
            self._no_peeks_until = time.monotonic() + _NO_PEEKS_S
            return None
        finally:
            connection.close()
        return rows

    def exchange(self, statement: Update, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement, which is committed with it, as PostgreSQL's driver gives them,
        for two thirds of what a session costs: for what hundreds of workers do all the time.

        The statement is kept compiled: give the same object each time. Raises DBAPIError.
        """
        compiled = self._compile(statement)
        dialect = self.engine.dialect
        connection: PoolProxiedConnection | None = None
        driver: Any = None
        try:
            connection = self.engine.raw_connection()
            driver = connection.dbapi_connection
            driver.autocommit = True
            cursor = driver.cursor()
            cursor.execute(compiled.sql, compiled.parameters(values))
            rows = list(cursor.fetchall())
            cursor.close()
            driver.autocommit = False
        except dialect.loaded_dbapi.Error as error:
            is_lost = (
                connection is None
                or dialect.is_disconnect(error, driver, None)
                or postgresql.ends_its_connection(error)
            )
            if connection is not None:
                connection.invalidate(error)
            raise DBAPIError.instance(
                compiled.sql,
                None,
                error,
                dialect.loaded_dbapi.Error,
                connection_invalidated=is_lost,
                dialect=dialect,
            ) from error
        except BaseException as error:
            if connection is not None:
                # It may still commit each statement by itself: nobody gets it after us.
                connection.invalidate(error)
            raise
        finally:
            if connection is not None:
                connection.close()
        return rows

    def _compile(self, statement: Select[Any] | Update) -> _Compiled:
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = _Compiled(statement, self.engine.dialect)
        return compiled

    def dispose(self) -> None:
        self._peeking_engine.dispose()
        self.engine.dispose()


class _Compiled:
    """A statement as text, and its parameters in the form that the driver takes."""

    def __init__(self, statement: Select[Any] | Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        self._fixed = compiled.params
        self._order = compiled.positiontup

    def parameters(self, values: dict[str, Any]) -> Any:
        given = {**self._fixed, **values}
        return given if self._order is None else [given[name] for name in self._order]
