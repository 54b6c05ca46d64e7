"""Where waiting jobs stand: the first of each owner, and the place of any in the whole queue.

Reads as few entries of the index as the answer needs, however many jobs wait.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, groupby
from typing import Any

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
from shared.jobs.turns.index_of_waiting import IN_LINE, QUEUED, waiting_jobs
from shared.jobs.turns.next_job import MANY_OWNERS

_FEW = 1_000
"""Jobs behind one that are counted, before those ahead of it are counted instead."""

_FIRST_COLUMNS = """
    j.id, j.owner_id, j.priority, j.queued_at,
    CASE WHEN j.available_at > j.queued_at THEN j.available_at END,
    CAST((
        SELECT coalesce(r.duration_s, r.estimated_s, r.size_bytes / 16000.0) * (1 - j.progress)
        FROM recordings AS r WHERE r.id = j.recording_id
    ) AS float),
    turns.number
"""
"""Of thousands of rows: `queued_at` is left as the driver gives it, for it is compared only, and
`available_at` is null where that is no later. PostgreSQL would keep each recording of a join, in
case that another job had the same."""


class WaitingOwners:
    """How many jobs each owner has waiting."""

    def __init__(self, jobs: Mapping[str, int]) -> None:
        self.jobs = jobs
        self._ordered = sorted(jobs.values())
        self._sums = [0, *accumulate(self._ordered)]

    def place(self, owner_id: str, rank: int) -> int:
        """About where an owner's job stands in the whole queue that is the `rank`-th of its
        owner's: as many of each other owner's are taken before it, or all that it has."""
        fewer = bisect_left(self._ordered, rank)
        ahead = self._sums[fewer] + rank * (len(self._ordered) - fewer)
        return max(rank, ahead - min(rank, self.jobs.get(owner_id, 0)) + rank)


def first_of_each_owner(session: Session, most: int) -> tuple[WaitingOwners, Sequence[Any]]:
    """Who waits with how much, and the waiting jobs that are first in line, as many of each owner,
    about `most` in all; with the columns of `_typed`."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows = readable_rows(session, _first(is_sqlite), {"most": most, "many": MANY_OWNERS})
    owners = WaitingOwners({row.of_owner: row.waiting for row in rows})
    if len(owners.jobs) > MANY_OWNERS:
        return owners, readable_rows(session, _first_of_many_owners(), {"most": most})
    return owners, [row for row in rows if row.id is not None]


@cache
def _first(is_sqlite: bool) -> TextualSelect:
    # All columns of a row would be taken apart first.
    further = ", owner_id, priority, queued_at, available_at, progress, recording_id"
    of_owner = f"""
        SELECT id{"" if is_sqlite else further}
        FROM {waiting_jobs(is_sqlite)}
        WHERE owner_id = owners.of_owner AND {QUEUED}
        ORDER BY {IN_LINE} LIMIT (SELECT jobs FROM of_each)
    """
    first = (
        f"LEFT JOIN jobs AS j ON j.id IN ({of_owner})"
        if is_sqlite
        else f"LEFT JOIN LATERAL ({of_owner}) AS j ON true"
    )
    sql = f"""
        WITH owners AS MATERIALIZED (
            SELECT owner_id AS of_owner, CAST(sum(jobs) AS integer) AS waiting
            FROM tallies WHERE {QUEUED} GROUP BY owner_id HAVING sum(jobs) > 0
        ), of_each AS MATERIALIZED (
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
def _first_of_many_owners() -> TextualSelect:
    """The first of each owner, the second of each, and so on, by looking at all."""
    return _typed(f"""
        SELECT {_FIRST_COLUMNS}
        FROM (
            SELECT id AS job_id, row_number() OVER (
                PARTITION BY owner_id, priority ORDER BY queued_at, id
            ) AS place
            FROM jobs WHERE {QUEUED}
        ) AS placed
        JOIN jobs AS j ON j.id = placed.job_id
        LEFT JOIN turns ON turns.owner_id = j.owner_id
        ORDER BY -j.priority, placed.place, j.queued_at, j.id LIMIT :most
    """)


def _typed(sql: str, *further: ColumnClause[Any]) -> TextualSelect:
    return text(sql).columns(
        column("id", String),
        column("owner_id", String),
        column("priority", Integer),
        column("queued_at"),
        column("available_at", UtcDateTime),
        column("left_s", Float),
        column("turn", Integer),
        *further,
    )


def places(session: Session, owners: WaitingOwners, job_ids: Sequence[str]) -> dict[str, int]:
    """About where these jobs stand in the whole queue; those that do not wait are left out."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    rows = session.execute(_steps(is_sqlite), {"ids": list(job_ids), "few": _FEW})
    return {
        job_id: owners.place(owner_id, max(1, rank))
        for (owner_id, _), group in groupby(rows, key=lambda row: (row.owner_id, row.urgency))
        for job_id, rank in _ranks(list(group), owners.jobs.get(owner_id, 0))
    }


def _ranks(rows: Sequence[Row[Any]], waiting: int) -> Iterator[tuple[str, int]]:
    """The place of each row's job among the `waiting` ones of its owner."""
    last = rows[-1]
    rank = waiting - last.behind if last.ahead is None else 1 + last.ahead
    for row in reversed(rows):
        yield row.id, rank
        rank -= row.step


@cache
def _steps(is_sqlite: bool) -> TextClause:
    """The jobs asked for in the order of their owner's line, those of one priority after another:
    how far each is from the one before, and of the last how many are behind it. Where that is
    `few` or more, which is where one seldom looks, how many are ahead.

    An order that nobody needs, with a limit, makes PostgreSQL take the index of the waiting jobs,
    of whose priorities it knows too little to see that few are passed.
    """
    waiting = waiting_jobs(is_sqlite, "other")
    of_owner = f"other.{QUEUED} AND other.owner_id = wanted.owner_id"
    of_priority = f"{of_owner} AND -other.priority = wanted.urgency"
    place, here = "(other.queued_at, other.id)", "(wanted.queued_at, wanted.id)"
    in_line = "-other.priority, other.queued_at, other.id"
    return text(f"""
        WITH wanted AS (
            SELECT id, owner_id, -priority AS urgency, queued_at,
                lag(queued_at) OVER line AS since, lag(id) OVER line AS since_id,
                lead(id) OVER line IS NULL AS is_last
            FROM jobs WHERE id IN :ids AND {QUEUED}
            WINDOW line AS (PARTITION BY owner_id, priority ORDER BY queued_at, id)
        ), counted AS MATERIALIZED (
            SELECT wanted.*, CASE WHEN since_id IS NULL THEN 0 ELSE (
                SELECT count(*) FROM {waiting}
                WHERE {of_priority} AND {place} > (wanted.since, wanted.since_id)
                    AND {place} <= {here}
            ) END AS step, CASE WHEN is_last THEN (
                SELECT count(*) FROM (
                    SELECT 1 FROM {waiting} WHERE {of_priority} AND {place} > {here}
                    ORDER BY {in_line} LIMIT :few
                ) AS later
            ) + (
                SELECT count(*) FROM (
                    SELECT 1 FROM {waiting} WHERE {of_owner} AND -other.priority > wanted.urgency
                    ORDER BY {in_line} LIMIT :few
                ) AS lesser
            ) END AS behind
            FROM wanted
        )
        SELECT id, owner_id, urgency, step, behind, CASE WHEN behind >= :few THEN (
            SELECT count(*) FROM {waiting} WHERE {of_priority} AND {place} < {here}
        ) + (
            SELECT count(*) FROM (
                SELECT 1 FROM {waiting} WHERE {of_owner} AND -other.priority < wanted.urgency
                ORDER BY {in_line} LIMIT 2000000000
            ) AS more_urgent
        ) END AS ahead
        FROM counted AS wanted
        ORDER BY owner_id, urgency, queued_at, id
    """).bindparams(bindparam("ids", expanding=True, type_=String))
