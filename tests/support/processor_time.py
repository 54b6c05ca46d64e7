"""Processor time of this process, and of a PostgreSQL server that works for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from shared.db import Database


class ProcessorTime:
    """Measures what a call costs in this process and in the server's processes behind `db`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def least_ms(
        self, call: Callable[[], object], *, times: int = 7, server_only: bool = False
    ) -> float:
        """Milliseconds of processor time, the least of several calls: what is more comes from other
        programs on the machine. The first call, which fills caches, is not counted."""
        call()
        taken = []
        servers = self._servers()
        for _ in range(times):
            began = self._used_s(servers, server_only)
            call()
            taken.append(self._used_s(servers, server_only) - began)
        return 1000 * min(taken)

    def _servers(self) -> list[int]:
        if self._db.is_sqlite:
            return []
        with self._db.reading() as session:
            return list(
                session.scalars(
                    text(
                        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                        "AND backend_type = 'client backend'"
                    )
                )
            )

    @staticmethod
    def _used_s(servers: list[int], server_only: bool) -> float:
        used_s = 0.0 if server_only else time.process_time()
        for process in servers:
            # Nanoseconds on a processor; the times of /proc/PID/stat have a resolution of 10 ms.
            used_s += int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
        return used_s
