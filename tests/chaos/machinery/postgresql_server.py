"""A PostgreSQL server of the test's own, which it may stop, freeze and start again."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

import migrations
from tests.chaos.machinery.faults import freeze, thaw
from tests.support.databases.postgresql import data_folder, start_server
from tests.support.stack import hold_port, wait_for
from tests.support.stack_without_http import children
from tests.support.zygote.parent_death import die_with_parent


class PostgresqlServer:
    """Its data lies in `folder`; it listens on TCP at `host`, as a server in production does, and
    on a socket in the folder."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.folder = folder
        self.host = host
        self.port = hold_port()
        made = start_server(folder)  # makes the data folder, and a server
        self._command = [
            str(made.bin_path / "postgres"),
            *("-D", str(folder), "-k", str(folder)),
            *("-h", host, "-p", str(self.port)),
        ]
        self._user: str | None = made.system_user  # PostgreSQL refuses to run as root
        made.stop()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@{self.host}:{self.port}/{database}"

    def local_url(self, url: str) -> str:
        """The same database as that of `url`, by the socket in the folder."""
        database = make_url(url).database
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}&port={self.port}"

    def trust(self, network: str) -> None:
        """Let in who comes from those addresses, once it is started anew."""
        with (self.folder / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")

    def start(self) -> None:
        if self._process is not None:
            return
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                user=self._user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        wait_for(self._answers, what="PostgreSQL")

    def stop(self) -> None:
        """At once, as by a crash: what was committed is recovered from the log at the start."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=120)
        self._process = None

    def freeze(self) -> None:
        """It says nothing any more, and the kernel goes on taking what is sent to it."""
        self._each(freeze)

    def thaw(self) -> None:
        self._each(thaw)

    def _each(self, signal_to: Callable[[int], None]) -> None:
        """To the server first, which starts nobody while it is frozen, and to its children, each
        of which ends with its client at any moment."""
        assert self._process is not None
        signal_to(self._process.pid)
        for pid in children(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                signal_to(pid)

    def new_database(self) -> str:
        """The URL of a fresh migrated one."""
        name = f"longscribe_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}")
        migrations.upgrade(self.url(name))
        return self.url(name)

    def drop(self, url: str) -> None:
        self._execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None
        try:
            self._execute("SELECT 1")
        except OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextlib.contextmanager
def postgresql_server(host: str = "127.0.0.1") -> Iterator[PostgresqlServer]:
    """One that is not started yet, stopped and gone at the end."""
    with data_folder(Path(tempfile.gettempdir())) as folder:
        server = PostgresqlServer(folder, host)
        try:
            yield server
        finally:
            server.stop()
