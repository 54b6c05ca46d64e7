"""Places of waiting jobs in the queue: the first of each owner, and the place of any in the whole
queue.

Reads as few entries of the index as the answer needs, however many jobs wait.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnClause,
    Float,
    Integer,
    Row,
    String,
    TextClause,
    TextualSelect,
    bindparam,
    column,
    text,
)
from sqlalchemy.orm import Session

from shared.db import UtcDateTime, readable_rows
from shared.jobs.scheduling.index_of_waiting import FOR_ANY, FOR_MODEL, IN_LINE, QUEUED, Waiting
from shared.jobs.scheduling.next_job import MANY_OWNERS

_FEW = 1_000
"""Jobs behind one that are counted, before those ahead of it are counted instead."""

_FIRST_COLUMNS = """
    j.id, j.owner_id, j.priority, j.queued_at,
    CASE WHEN j.available_at > j.queued_at THEN j.available_at END,
    CAST((
        SELECT coalesce(r.duration_s, r.estimated_s, r.size_bytes / 16000.0) * (1 - j.progress)
        FROM recordings AS r WHERE r.id = j.recording_id
    ) AS float),
    turns.number, j.model
"""
"""Columns of thousands of rows: `queued_at` is left as the driver gives it, for it is compared
only, and `available_at` is null where that is no later. PostgreSQL would keep each recording of a
join, in case that another job had the same."""


class WaitingOwners:
    """Number of jobs that each owner has waiting and that a worker may take.

    `jobs` counts all of an owner's; `named` those that name a model, by owner and model; `run` are
    the models that live workers run.
    """

    def __init__(
        self,
        jobs: Mapping[str, int],
        named: Mapping[tuple[str, str], int] | None = None,
        run: Collection[str] = (),
    ) -> None:
        named = named or {}
        self._owners, self._total = len(jobs), sum(jobs.values())
        of_any = Counter(jobs)
        for (owner_id, _), count in named.items():
            of_any[owner_id] -= count
        self._lines: dict[tuple[str, str | None], int] = {
            (owner_id, None): count for owner_id, count in of_any.items() if count > 0
        }
        self._lines |= {line: count for line, count in named.items() if line[1] in run}
        self.jobs: Counter[str] = Counter()
        for (owner_id, _), count in self._lines.items():
            self.jobs[owner_id] += count
        self._ordered = sorted(self.jobs.values())
        self._sums = [0, *accumulate(self._ordered)]

    def waiting(self, owner_id: str, model: str | None) -> int:
        """Number of an owner's jobs that wait for a model, or with None for any; 0 if none runs
        it."""
        return self._lines.get((owner_id, model), 0)

    def first_of_each(self, most: int) -> int:
        """Number of jobs that `first_of_each_owner` gives of each owner; 0 where it looks at all
        jobs."""
        if self._owners > MANY_OWNERS:
            return 0
        return most if self._total <= most else -(-most // self._owners)

    def place(self, owner_id: str, rank: int) -> int:
        """Approximate place in the whole queue of the job that is the `rank`-th of its owner: as
        many of each other owner's are taken before it, or all that it has."""
        fewer = bisect_left(self._ordered, rank)
        ahead = self._sums[fewer] + rank * (len(self._ordered) - fewer)
        return max(rank, ahead - min(rank, self.jobs.get(owner_id, 0)) + rank)


class Place(NamedTuple):
    """Place of a waiting job in the queue."""

    rank: int
    """Place among the jobs of its owner and model, 1 for the first."""
    in_queue: int
    """Approximate place in the whole queue."""


def waiting_owners(session: Session, run: Collection[str] | None = None) -> WaitingOwners:
    """Owners with waiting jobs and the number of these; `run` as in `first_of_each_owner`."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows = session.execute(text(_WAITING_OF_OWNERS))
    named = {} if run is None else _named(session, is_sqlite)
    return WaitingOwners({row.of_owner: row.waiting for row in rows}, named, run or ())


def first_of_each_owner(
    session: Session,
    most: int,
    run: Collection[str] | None = None,
    wanted: Collection[str] = (),
) -> tuple[WaitingOwners, Sequence[Any]]:
    """Owners with waiting jobs, and the rows of the jobs that are first in line, equally many of
    each owner, about `most` in all; with the columns of `_typed`.

    `run` are the models that live workers run; None says that no job names one.  Of the jobs that
    do, those for the models `wanted` are among the rows.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    about: dict[str, Any] = {"most": most, "many": MANY_OWNERS}
    rows: Sequence[Any] = readable_rows(session, _first(is_sqlite, FOR_ANY), about)
    named = {} if run is None else _named(session, is_sqlite)
    # By their place, behind the columns of `_typed`: a name costs twice as much for each row.
    waiting = {row[-2]: row[-1] for row in rows}
    owners = WaitingOwners(waiting, named, run or ())
    models = sorted({model for _, model in named} & set(wanted))
    if len(waiting) > MANY_OWNERS:
        many = _first_of_many_owners(is_sqlite, bool(models))
        return owners, readable_rows(session, many, about | ({"models": models} if models else {}))
    for model in models:
        of_model = _first(is_sqlite, FOR_MODEL)
        rows = [*rows, *readable_rows(session, of_model, about | {"model": model})]
    return owners, [row for row in rows if row[0] is not None]


def _named(session: Session, is_sqlite: bool) -> dict[tuple[str, str], int]:
    """Number of waiting jobs that name a model, by owner and model."""
    counted = session.execute(
        text(
            f"SELECT owner_id, model, count(*) FROM {FOR_MODEL.table(is_sqlite)} "
            f"WHERE {FOR_MODEL.holds()} GROUP BY model, owner_id"
        )
    )
    return {(owner_id, model): count for owner_id, model, count in counted}


_WAITING_OF_OWNERS = f"""
    SELECT owner_id AS of_owner, CAST(sum(jobs) AS integer) AS waiting
    FROM tallies WHERE {QUEUED} GROUP BY owner_id HAVING sum(jobs) > 0
"""


@cache
def _first(is_sqlite: bool, waiting: Waiting) -> TextualSelect:
    # All columns of a row would be taken apart first.
    further = ", owner_id, priority, queued_at, available_at, progress, recording_id, model"
    of_owner = f"""
        SELECT id{"" if is_sqlite else further}
        FROM {waiting.table(is_sqlite)}
        WHERE owner_id = owners.of_owner AND {waiting.holds()} {waiting.same_model}
        ORDER BY {IN_LINE} LIMIT (SELECT jobs FROM of_each)
    """
    first = (
        f"LEFT JOIN jobs AS j ON j.id IN ({of_owner})"
        if is_sqlite
        else f"LEFT JOIN LATERAL ({of_owner}) AS j ON true"
    )
    sql = f"""
        WITH owners AS MATERIALIZED ({_WAITING_OF_OWNERS}), of_each AS MATERIALIZED (
            SELECT CASE WHEN count(*) > :many THEN 0
                WHEN sum(waiting) <= :most THEN :most
                ELSE (:most + count(*) - 1) / count(*) END AS jobs
            FROM owners
        )
        SELECT {_FIRST_COLUMNS}, owners.of_owner, owners.waiting
        FROM owners {first}
        LEFT JOIN turns ON turns.owner_id = j.owner_id
    """
    return _typed(sql, column("of_owner", String), column("waiting", Integer))


@cache
def _first_of_many_owners(is_sqlite: bool, of_models: bool) -> TextualSelect:
    """The first of each owner, the second of each, and so on, by looking at all."""
    columns = "id, owner_id, priority, queued_at"
    waiting = f"SELECT {columns} FROM {FOR_ANY.table(is_sqlite)} WHERE {FOR_ANY.holds()}"
    if of_models:
        waiting += f"""
            UNION ALL SELECT {columns} FROM {FOR_MODEL.table(is_sqlite)}
            WHERE {FOR_MODEL.holds()} AND model IN :models"""
    placed = f"""
        SELECT {_FIRST_COLUMNS}
        FROM (
            SELECT id AS job_id, row_number() OVER (
                PARTITION BY owner_id, priority ORDER BY queued_at, id
            ) AS place
            FROM ({waiting}) AS waiting
        ) AS placed
        JOIN jobs AS j ON j.id = placed.job_id
        LEFT JOIN turns ON turns.owner_id = j.owner_id
        ORDER BY -j.priority, placed.place, j.queued_at, j.id LIMIT :most
    """
    return _typed(placed, models=of_models)


def _typed(sql: str, *further: ColumnClause[Any], models: bool = False) -> TextualSelect:
    statement = text(sql)
    if models:
        statement = statement.bindparams(bindparam("models", expanding=True, type_=String))
    return statement.columns(
        column("id", String),
        column("owner_id", String),
        column("priority", Integer),
        column("queued_at"),
        column("available_at", UtcDateTime),
        column("left_s", Float),
        column("turn", Integer),
        column("model", String),
        *further,
    )


def places(
    session: Session, owners: WaitingOwners, job_ids: Sequence[str], run: Collection[str] | None
) -> dict[str, Place]:
    """Places of these jobs; those that do not wait are left out, and those that name a model which
    is not in `run`.

    Of its owner's jobs, those count as before one that name the same model, or like it none.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    asked = {"ids": list(job_ids), "few": _FEW}
    found: dict[str, Place] = {}
    for waiting in (FOR_ANY,) if run is None else (FOR_ANY, FOR_MODEL):
        rows = session.execute(_steps(is_sqlite, waiting), asked)
        for (owner_id, model, _), group in groupby(rows, key=_line_and_urgency):
            if count := owners.waiting(owner_id, model):
                for job_id, rank in _ranks(list(group), count):
                    rank = max(1, rank)
                    found[job_id] = Place(rank, owners.place(owner_id, rank))
    return found


def _line_and_urgency(row: Row[Any]) -> tuple[str, str | None, int]:
    return row.owner_id, row.model, row.urgency


def _ranks(rows: Sequence[Row[Any]], waiting: int) -> Iterator[tuple[str, int]]:
    """The place of each row's job among the `waiting` ones of its owner and model."""
    last = rows[-1]
    rank = waiting - last.behind if last.ahead is None else 1 + last.ahead
    for row in reversed(rows):
        yield row.id, rank
        rank -= row.step


@cache
def _steps(is_sqlite: bool, waiting: Waiting) -> TextClause:
    """The jobs asked for in the order of their owner's line, those of one priority after another:
    how far each is from the one before, and of the last how many are behind it. Where that is
    `few` or more, which is where one seldom looks, how many are ahead.

    An order that nobody needs, with a limit, makes PostgreSQL take the index of the waiting jobs,
    of whose priorities it knows too little to see that few are passed.  SQLite, which is told the
    index, would sort all of an owner's jobs.
    """
    table = waiting.table(is_sqlite, "other")
    of_owner = f"{waiting.holds('other')} AND other.owner_id = wanted.owner_id"
    if waiting is FOR_MODEL:
        of_owner += " AND other.model = wanted.model"
    of_priority = f"{of_owner} AND -other.priority = wanted.urgency"
    place, here = "(other.queued_at, other.id)", "(wanted.queued_at, wanted.id)"
    some = "" if is_sqlite else "ORDER BY -other.priority, other.queued_at, other.id"
    return text(f"""
        WITH wanted AS (
            SELECT id, owner_id, model, -priority AS urgency, queued_at,
                lag(queued_at) OVER line AS since, lag(id) OVER line AS since_id,
                lead(id) OVER line IS NULL AS is_last
            FROM jobs WHERE id IN :ids AND {waiting.holds()}
            WINDOW line AS (PARTITION BY owner_id, model, priority ORDER BY queued_at, id)
        ), counted AS MATERIALIZED (
            SELECT wanted.*, CASE WHEN since_id IS NULL THEN 0 ELSE (
                SELECT count(*) FROM {table}
                WHERE {of_priority} AND {place} > (wanted.since, wanted.since_id)
                    AND {place} <= {here}
            ) END AS step, CASE WHEN is_last THEN (
                SELECT count(*) FROM (
                    SELECT 1 FROM {table} WHERE {of_priority} AND {place} > {here}
                    {some} LIMIT :few
                ) AS later
            ) + (
                SELECT count(*) FROM (
                    SELECT 1 FROM {table} WHERE {of_owner} AND -other.priority > wanted.urgency
                    {some} LIMIT :few
                ) AS lesser
            ) END AS behind
            FROM wanted
        )
        SELECT id, owner_id, model, urgency, step, behind, CASE WHEN behind >= :few THEN (
            SELECT count(*) FROM {table} WHERE {of_priority} AND {place} < {here}
        ) + (
            SELECT count(*) FROM (
                SELECT 1 FROM {table} WHERE {of_owner} AND -other.priority < wanted.urgency
                {some} LIMIT 2000000000
            ) AS more_urgent
        ) END AS ahead
        FROM counted AS wanted
        ORDER BY owner_id, model, urgency, queued_at, id
    """).bindparams(bindparam("ids", expanding=True, type_=String))
