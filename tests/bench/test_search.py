"""What a search costs among very many jobs, on both databases: the first page, with its count.

`SEARCH_JOBS=1000000` makes so many instead of ten thousand. A thousand of them take 11 MB, in
memory unless `PYTEST_DEBUG_TEMPROOT` names a folder for SQLite and `LONGSCRIBE_TEST_DATABASE_URL` a
PostgreSQL on a disk.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from shared import jobs
from shared.db import Database
from shared.search import entries
from shared.search.grams import gram_of_owner, grams_of
from shared.search.index import index_of
from shared.states import JobStatus

pytestmark = [pytest.mark.bench, pytest.mark.timeout(20_000)]

JOBS = int(os.environ.get("SEARCH_JOBS", "10000"))
CHARACTERS = 1_000
OWNER, OTHERS = "o", 200
"""Half of the jobs are this one's, the rest of so many others'."""

MOST_MS = 300

BATCH = 2_000
"""Jobs that are stored in one transaction."""

LEFT_TO_A_WORKER = 5_000
"""Of the jobs, those that are indexed as a worker does it, which takes longer."""

_AT = "'2026-01-02 03:04:05'"
STORED = [
    f"""INSERT INTO recordings (id, owner_id, blob_key, filename, folded_name, size_bytes, sha256,
            duration_s, created_at)
        VALUES (:id, :owner_id, :id, :name, :folded_name, 1, 's', 240, {_AT})""",
    f"""INSERT INTO jobs (id, owner_id, recording_id, status, progress, priority, options,
            request_digest, created_at, queued_at, available_at, fence, failed_attempts, warnings)
        VALUES (:id, :owner_id, :id, 'completed', 1, 0, '{{}}', 'd', {_AT}, {_AT}, {_AT}, 1, 0,
            '[]')""",
    "INSERT INTO search_texts (job_id, folded, text) VALUES (:id, :folded, :text)",
    "INSERT INTO search_entries (number, job_id, indexed) VALUES (:number, :id, :indexed)",
]

ENGLISH = [
    "the",
    "budget",
    "of",
    "this",
    "meeting",
    "and",
    "our",
    "GPU",
    "cluster",
    "is",
    "what",
    "we",
    "discuss",
    "today",
    "with",
    "API",
]


def test_a_search_among_very_many_jobs(database_url: str) -> None:
    db = Database(database_url, impatient=False)  # an index is made in minutes
    chance = random.Random(1)
    with without_the_index(db):
        made = load(db)
        spent = Cpu(db)
        while entries.catch_up(db, within_s=60):
            pass
        report(db, "indexing many at once, a text", spent() / min(LEFT_TO_A_WORKER, JOBS))
    with db.writing() as session:
        again = "UPDATE search_entries SET indexed = false WHERE number % :every = 0"
        session.execute(text(again), {"every": max(1, JOBS // 200)})
    spent = Cpu(db)
    found = entries.catch_up(db, within_s=60)
    report(db, "indexing one by one, a text", spent() / found)
    state = entries.state(db)
    print(state)
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    print({name: f"{size / 2**20:.0f} MB" for name, size in sizes(db).items()})
    assert state.behind == state.missing == state.wrong == 0
    worst = 0.0
    for what, query in queries(made, chance):
        for owner_id in (OWNER, "o7"):
            worst = max(worst, measure(db, what, query, owner_id))
    for what, states in (("in a state that is rare", [JobStatus.CANCELLED]),):
        worst = max(worst, measure(db, what, queries(made, chance)[0][1], OWNER, states))
    assert worst < MOST_MS
    db.dispose()


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
        session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        session.execute(text(str(made)))


@cache
def speaker() -> Callable[[random.Random], str]:
    """Speak in words of one to three of 3,000 characters, as unlike in frequency as those of a
    language, and some English ones; in sentences of 25."""
    chance = random.Random(1)
    characters = [chr(0x4E00 + n) for n in range(3_000)]
    weights = [(n + 1) ** -0.8 for n in range(3_000)]
    words = [
        "".join(chance.choices(characters, weights, k=chance.choice((1, 2, 2, 2, 3))))
        for _ in range(40_000)
    ]
    for n, word in enumerate(ENGLISH):
        words.insert(40 * (n + 1), f" {word} ")
    cumulated = list(accumulate(1 / (n + 1) for n in range(len(words))))

    def say(chance: random.Random) -> str:
        said = "".join(chance.choices(words, cum_weights=cumulated, k=CHARACTERS * 6 // 10))
        said = said[:CHARACTERS]
        return "\n".join(said[n : n + 25].strip() + "。" for n in range(0, len(said), 25))

    return say


class Made(NamedTuple):
    """What is stored of a job, and the grams that the product has of it."""

    number: int
    owner_id: str
    name: str
    text: str
    grams: array[int]

    @property
    def values(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "id": f"{self.number:08d}",
            "owner_id": self.owner_id,
            "name": self.name,
            "folded_name": self.name.lower(),
            "text": self.text,
            "folded": self.text.lower(),
            "indexed": self.number <= JOBS - LEFT_TO_A_WORKER,
        }


def make(first: int) -> list[Made]:
    """Make up to `BATCH` jobs from a number on; the same ones each time."""
    say, chance = speaker(), random.Random(first)
    made = []
    for number in range(first, min(first + BATCH, JOBS + 1)):
        owner_id = OWNER if number % 2 == 0 else f"o{number % (2 * OTHERS)}"
        name, said = f"Meeting {number}.m4a", say(chance)
        grams = grams_of([name.lower(), said.lower()]) | {gram_of_owner(owner_id)}
        made.append(Made(number, owner_id, name, said, array("q", grams)))
    return made


def load(db: Database) -> list[str]:
    """Store the jobs with their texts, and all but the last in the index; give some of the texts.

    A second process makes them meanwhile.
    """
    some = []
    with without_triggers(db), multiprocessing.get_context("spawn").Pool(1) as pool:
        for made in made_ahead(pool):
            some.append(made[0].text)
            with db.writing() as session:
                connection = session.connection()
                for statement in STORED:
                    connection.execute(text(statement), [job.values for job in made])
                for job in made:
                    if job.values["indexed"]:
                        index_of(session).put(session, job.number, job.grams)
    jobs.recount(db)
    return some


def made_ahead(pool: Pool) -> Iterator[list[Made]]:
    """All batches, of which two are made in advance: more would pile up in memory."""
    pending: deque[AsyncResult[list[Made]]] = deque()
    for first in range(1, JOBS + 1, BATCH):
        pending.append(pool.apply_async(make, (first,)))
        if len(pending) > 2:
            yield pending.popleft().get()
    while pending:
        yield pending.popleft().get()


@contextmanager
def without_triggers(db: Database) -> Iterator[None]:
    """They would do for each row what is done here for all."""
    tables = ("jobs", "recordings", "search_texts")
    with db.writing() as session:
        if db.is_sqlite:
            found = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            triggers = session.execute(text(found)).all()
            after = [trigger.sql for trigger in triggers]
            before = [f"DROP TRIGGER {trigger.name}" for trigger in triggers]
        else:
            after = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables]
            before = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
        for statement in before:
            session.execute(text(statement))
    yield
    with db.writing() as session:
        for statement in after:
            session.execute(text(statement))


def queries(made: list[str], chance: random.Random) -> list[tuple[str, str]]:
    """Pieces of the texts, from those in most to those in hardly any, and words in none."""
    found = []
    for length in (1, 2, 4):
        count: Counter[str] = Counter()
        for said in made[:1_000]:
            for line in said.lower().split("\n"):
                starts = range(len(line) - length)
                count.update({line[n : n + length] for n in starts if line[n].isalpha()})
        pieces = [(piece, n) for piece, n in count.most_common() if " " not in piece]
        chinese = [piece for piece, _ in pieces if not piece.isascii()]
        found += [
            (f"{length}, in most", chinese[0]),
            (f"{length}, in some", chinese[len(chinese) // 20]),
            (f"{length}, in few", chinese[-1]),
        ]
    return [
        *found,
        ("4, in none", found[3][1] + found[4][1]),
        ("in no text", "不存在的话"),
        ("in no text, two words", "不存在 的话呢"),
        ("English, in most", "budget"),
        ("English, in none", "thebudget"),
        ("a letter", "e"),
        ("English and Chinese", f"budget {found[1][1]}"),
        ("two words", f"{found[4][1]} {found[3][1]}"),
        ("a sign", "。"),
        ("a name", f"meeting {JOBS // 2 - JOBS // 2 % 2}"),
        ("in every name", "m4a"),
        ("in a name and in a text", f"m4a {found[4][1]}"),
    ]


class Cpu:
    """Milliseconds of this process and of the server's since it was made."""

    def __init__(self, db: Database) -> None:
        self._servers = [] if db.is_sqlite else _backends(db)
        self._began = self._now()

    def __call__(self) -> float:
        return self._now() - self._began

    def _now(self) -> float:
        of_servers = sum(int(path.read_text().split()[0]) for path in self._servers)
        return 1e3 * time.process_time() + of_servers / 1e6


def _backends(db: Database) -> list[Path]:
    """The accounts of the server's processes for this database; its pool has one connection."""
    with db.reading() as session:
        found = session.scalars(
            text(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend'"
            )
        )
        return [Path(f"/proc/{pid}/schedstat") for pid in found]


def measure(
    db: Database, what: str, query: str, owner_id: str, states: list[JobStatus] | None = None
) -> float:
    taken = []
    for _ in range(3):
        spent = Cpu(db)
        page = jobs.list_jobs(db, owner_id=owner_id, query=query, limit=25, statuses=states or [])
        taken.append(spent())
    count = f"{sum(page.counts.values())}{'' if page.all_counted else '+'}"
    report(db, f"{what} ({owner_id}): {count}", min(taken))
    return min(taken)


def report(db: Database, what: str, ms: float) -> None:
    print(f"{db.engine.dialect.name:<11} {what:<46} {ms:8.2f} CPU ms")


def sizes(db: Database) -> dict[str, int]:
    """Bytes of what is searched, and of the index."""
    with db.reading() as session:
        if db.is_sqlite:
            whole = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            index = "SELECT sum(length(block)) FROM search_index_data"
        else:
            whole = "SELECT pg_total_relation_size('search_texts')"
            index = "SELECT pg_relation_size('search_index_keys')"
        return {
            "texts" if not db.is_sqlite else "file": session.scalar(text(whole)) or 0,
            "index": session.scalar(text(index)) or 0,
            "entries": 0
            if db.is_sqlite
            else session.scalar(text("SELECT pg_total_relation_size('search_index')")) or 0,
        }
