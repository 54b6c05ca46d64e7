"""Very many jobs with texts, stored and indexed in half a millisecond of processor time each.

What is stored is what the product stores: rows without their triggers' work, which is done here
for all, and grams as `SearchIndex.put` writes them.  SQLite takes them in transactions that no
power cut is survived by, and its index is merged less often, for it writes 64 MB at a time instead
of 1; PostgreSQL by COPY of lines that the processes which make the jobs have written, and its index
is made at the end.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import accumulate
from multiprocessing.pool import AsyncResult, Pool
from typing import Any

from sqlalchemy import select, text

from shared import jobs
from shared.db import Database
from shared.models import SearchText
from shared.search.grams import gram_of_owner, grams_of
from shared.search.index import index_on
from shared.storage import stored_bytes

JOBS = int(os.environ.get("SEARCH_JOBS", "10000"))
CHARACTERS = int(os.environ.get("SEARCH_CHARACTERS", "1000"))
OWNER, OTHERS = "o", 200
"""Half of the jobs are this one's, the rest of so many others'."""

LEFT_TO_A_WORKER = 5_000
"""Jobs that are indexed as a worker does it, which takes longer."""

_BATCH = 2_000
"""Jobs that are stored in one transaction."""

_MAKERS = 2
"""Processes that make jobs, which takes longer than storing them."""

_AHEAD = 4
"""Batches that are made in advance: more would pile up in memory."""

IN_NO_TEXT = "鿐鿑鿒"
"""A word that no text has, while each of its two pairs of characters is in half of them."""

_ENGLISH = "the budget of this meeting and our GPU cluster is what we discuss today with API"

_AT = "2026-01-02 03:04:05.000000"
_RECORDINGS = (
    "recordings (id, owner_id, blob_key, filename, folded_name, size_bytes, sha256, duration_s, "
    "created_at)"
)
_JOBS = (
    "jobs (id, owner_id, recording_id, status, progress, priority, options, request_digest, "
    "created_at, queued_at, available_at, completed_at, fence, failed_attempts, warnings)"
)
_TABLES = [
    _RECORDINGS,
    _JOBS,
    "search_texts (job_id, folded, text)",
    "search_entries (number, job_id, indexed)",
]
_INDEX = {"sqlite": "search_index (rowid, grams)", "postgresql": "search_index (number, keys)"}

_HASH_BYTES = 2**20
"""Bytes that SQLite's FTS5 gathers in memory before it writes, unless told otherwise."""


_Rows = list[tuple[Any, ...]]


_Made = list[_Rows] | list[bytes]
"""Rows of some jobs for the tables in order, or what COPY reads these from."""


def load(db: Database) -> None:
    """Store `JOBS` jobs with their texts, and all but the last in the index.

    Other processes make them meanwhile.
    """
    stored = _to_sqlite if db.is_sqlite else _to_postgresql
    with multiprocessing.get_context("spawn").Pool(_MAKERS) as pool, stored(db) as store:
        for made in _made_ahead(pool, db.engine.dialect.name):
            store(made)
    jobs.recount(db)
    stored_bytes.recount(db)


def some_texts(db: Database) -> list[str]:
    """The text of one job of each batch."""
    ids = [_job_id(number) for number in range(1, JOBS + 1, _BATCH)]
    with db.reading() as session:
        wanted = select(SearchText.text).where(SearchText.job_id.in_(ids))
        return list(session.scalars(wanted.order_by(SearchText.job_id)))


@contextmanager
def without_the_index(db: Database) -> Iterator[None]:
    """PostgreSQL makes an index of many rows in a fraction of the time of as many insertions."""
    if db.is_sqlite:
        yield
        return
    with db.writing() as session:
        made = session.scalar(
            text("SELECT indexdef FROM pg_indexes WHERE indexname = 'search_index_keys'")
        )
        session.execute(text("DROP INDEX search_index_keys"))
    yield
    with db.writing() as session:
        session.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        session.execute(text(str(made)))


def _made_ahead(pool: Pool, dialect: str) -> Iterator[_Made]:
    pending: deque[AsyncResult[_Made]] = deque()
    for first in range(1, JOBS + 1, _BATCH):
        pending.append(pool.apply_async(_make, (first, dialect)))
        if len(pending) > _AHEAD:
            yield pending.popleft().get()
    while pending:
        yield pending.popleft().get()


def _make(first: int, dialect: str) -> _Made:
    """Make up to `_BATCH` jobs from a number on; the same ones each time."""
    say, chance, index = _speaker(), random.Random(first), index_on(dialect)
    recordings, rows, texts, entries, indexed = [], [], [], [], []
    for number in range(first, min(first + _BATCH, JOBS + 1)):
        owner_id = OWNER if number % 2 == 0 else f"o{number % (2 * OTHERS)}"
        name, said, job_id = f"Meeting {number}.m4a", say(chance), _job_id(number)
        folded = said.lower()
        recordings.append((job_id, owner_id, job_id, name, name.lower(), 1, "s", 240.0, _AT))
        rows.append(
            (job_id, owner_id, job_id, "completed", 1.0, 0, "{}", "d", *[_AT] * 4, 1, 0, "[]")
        )
        texts.append((job_id, folded, said))
        by_worker = number > JOBS - LEFT_TO_A_WORKER
        entries.append((number, job_id, not by_worker))
        if not by_worker:
            grams = grams_of([name.lower(), folded]) | {gram_of_owner(owner_id)}
            indexed.append(index.stored(number, grams))
    tables = [recordings, rows, texts, entries, indexed]
    return tables if dialect == "sqlite" else list(map(_lines, tables))


def _job_id(number: int) -> str:
    return f"{number:08d}"


def _lines(rows: _Rows) -> bytes:
    """Rows in PostgreSQL's COPY format."""
    return "".join("\t".join(map(_field, row)) + "\n" for row in rows).encode()


def _field(value: Any) -> str:
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    # The first first: it marks the others.
    return str(value).replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t")


@cache
def _speaker() -> Callable[[random.Random], str]:
    """Speak in words of one to three of 3,000 characters, as unlike in frequency as those of a
    language, and some English ones; in sentences of 25."""
    chance = random.Random(1)
    characters = [chr(0x4E00 + n) for n in range(3_000)]
    weights = [(n + 1) ** -0.8 for n in range(3_000)]
    words = [
        "".join(chance.choices(characters, weights, k=chance.choice((1, 2, 2, 2, 3))))
        for _ in range(40_000)
    ]
    for n, word in enumerate(_ENGLISH.split()):
        words.insert(40 * (n + 1), f" {word} ")
    cumulated = list(accumulate(1 / (n + 1) for n in range(len(words))))

    def say(chance: random.Random) -> str:
        said = "".join(chance.choices(words, cum_weights=cumulated, k=CHARACTERS * 6 // 10))
        said = said[:CHARACTERS]
        lines = [said[n : n + 25].strip() + "。" for n in range(0, len(said), 25)]
        lines += [IN_NO_TEXT[n : n + 2] for n in range(2) if chance.random() < 0.5]
        return "\n".join(lines)

    return say


_Store = Callable[[Any], None]
"""Stores what is `_Made`."""


@contextmanager
def _to_sqlite(db: Database) -> Iterator[_Store]:
    with closing(sqlite3.connect(str(db.engine.url.database), isolation_level=None)) as connection:
        execute = connection.execute
        execute("PRAGMA synchronous = OFF")
        execute("PRAGMA cache_size = -500000")
        triggers = execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            execute(f"DROP TRIGGER {name}")
        gather = "INSERT INTO search_index (search_index, rank) VALUES ('hashsize', ?)"
        execute(gather, (64 * _HASH_BYTES,))

        def store(made: list[_Rows]) -> None:
            execute("BEGIN IMMEDIATE")
            for table, some in zip([*_TABLES, _INDEX["sqlite"]], made, strict=True):
                places = ", ".join("?" * (table.count(",") + 1))
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", some)
            execute("COMMIT")

        yield store
        execute(gather, (_HASH_BYTES,))
        for _, sql in triggers:
            execute(sql)


@contextmanager
def _to_postgresql(db: Database) -> Iterator[_Store]:
    def store(made: list[bytes]) -> None:
        with db.writing() as session:
            # No triggers, and no look at another table for each foreign key.
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text("SET LOCAL synchronous_commit = off"))
            driver: Any = session.connection().connection.driver_connection
            with driver.cursor() as cursor:
                for table, lines in zip([*_TABLES, _INDEX["postgresql"]], made, strict=True):
                    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(lines)

    yield store
    with db.writing() as session:
        # Numbers that were said here and not given by the sequence, which goes on behind them.
        session.execute(
            text("SELECT setval(pg_get_serial_sequence('search_entries', 'number'), :last)"),
            {"last": JOBS},
        )
