"""What statements that read the index of the waiting jobs have in common.

They are written as text: SQLite has to be told which index to take, since without its statistics it
takes any that begins with the same column, and none of them would be in the order of the claims.
"""

from __future__ import annotations

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

from shared.db import database_now
from shared.models.base import in_state
from shared.states import RUNNING, JobStatus

QUEUED = in_state("status", JobStatus.QUEUED)
RUNS = in_state("status", *RUNNING)

IN_LINE = "-priority, queued_at, id"
"""The order of an owner's waiting jobs among themselves."""

FIRST_OWNER = f"owner_id, {IN_LINE}"
"""The order of the index. Who asks for one row in it gets PostgreSQL to take this index, and none
that has the owners in order and the jobs that ended as well."""

DIALECTS: dict[bool, Dialect] = {True: sqlite.dialect(), False: postgresql.dialect()}  # type: ignore[no-untyped-call]


def waiting_jobs(is_sqlite: bool, alias: str = "jobs") -> str:
    """The jobs as a table whose index of waiting ones is taken."""
    return _table(is_sqlite, alias, "jobs_waiting")


def running_jobs(is_sqlite: bool, alias: str = "jobs") -> str:
    """The jobs as a table whose index of running ones is taken."""
    return _table(is_sqlite, alias, "jobs_running")


def _table(is_sqlite: bool, alias: str, index: str) -> str:
    return f"jobs AS {alias}" + (f" INDEXED BY {index}" if is_sqlite else "")


def now(is_sqlite: bool) -> str:
    """The database's clock."""
    return str(database_now().compile(dialect=DIALECTS[is_sqlite]))
