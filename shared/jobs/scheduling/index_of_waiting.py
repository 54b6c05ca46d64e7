"""Parts shared by the statements that read the indexes of the waiting jobs.

There are two: one of the jobs that any worker may take, one of those that name a model.  The
statements are written as text: SQLite has to be told which index to take, since without its
statistics it takes any that begins with the same column, and none of them would be in the order of
the claims.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite

from shared.db import database_now
from shared.models.base import in_state
from shared.states import RUNNING, JobStatus

QUEUED = in_state("status", JobStatus.QUEUED)
RUNS = in_state("status", *RUNNING)

IN_LINE = "-priority, queued_at, id"
"""The order of an owner's waiting jobs among themselves."""

DIALECTS: dict[bool, Dialect] = {True: sqlite.dialect(), False: postgresql.dialect()}  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The waiting jobs of one of the indexes."""

    index: str
    model: str
    """Condition on the column `model`, to follow its name: 'IS NULL' or 'IS NOT NULL'."""
    same_model: str
    """The condition that a job is for workers of one model, beginning with AND; empty where none is
    named."""
    first_owner: str
    """The order of the index. Who asks for one row in it gets PostgreSQL to take this index, and
    none that has the owners in order and the jobs that ended as well."""

    def table(self, is_sqlite: bool, alias: str = "jobs") -> str:
        """The jobs as a table whose index of these is taken."""
        return _table(is_sqlite, alias, self.index)

    def holds(self, alias: str = "jobs") -> str:
        """The condition of the index."""
        return f"{alias}.{QUEUED} AND {alias}.model {self.model}"


FOR_ANY = Waiting("jobs_waiting_for_any", "IS NULL", "", f"owner_id, {IN_LINE}")
FOR_MODEL = Waiting(
    "jobs_waiting_for_model",
    "IS NOT NULL",
    "AND model = :model",
    f"model, owner_id, {IN_LINE}",
)
"""Waiting jobs that name a model; in the statements `:model` is which."""


def running_jobs(is_sqlite: bool, alias: str = "jobs") -> str:
    """The jobs as a table whose index of running ones is taken."""
    return _table(is_sqlite, alias, "jobs_running")


def _table(is_sqlite: bool, alias: str, index: str) -> str:
    return f"jobs AS {alias}" + (f" INDEXED BY {index}" if is_sqlite else "")


def now(is_sqlite: bool) -> str:
    """The database's clock."""
    return str(database_now().compile(dialect=DIALECTS[is_sqlite]))


@dataclass(frozen=True, slots=True)
class Claimable:
    """Number of waiting jobs that a worker may take now, as far as they were counted."""

    for_any: int
    """Jobs that name no model."""
    of_model: int
    """Jobs that name the worker's model."""


def claimable_rows(waiting: Waiting, is_sqlite: bool, most: int) -> str:
    """Select a row for each waiting job that a worker of `:model` may take now, up to `most`."""
    return f"""
        SELECT 1 FROM {waiting.table(is_sqlite)}
        WHERE {waiting.holds()} {waiting.same_model} AND available_at <= {now(is_sqlite)}
        ORDER BY {waiting.first_owner} LIMIT {most}
    """
