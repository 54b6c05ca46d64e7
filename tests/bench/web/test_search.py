"""What a search costs among very many jobs, on both databases: the first page, with its count.

`SEARCH_JOBS=1000000` makes so many instead of ten thousand, and `SEARCH_CHARACTERS=330` texts of a
kilobyte instead of three. A thousand of the latter take 11 MB, in memory unless
`PYTEST_DEBUG_TEMPROOT` names a folder for SQLite and `LONGSCRIBE_TEST_DATABASE_URL` a PostgreSQL on
a disk.  With `SEARCH_KEPT=` and the URL of a PostgreSQL database, which is filled if it is empty,
searches are measured there, again and again.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

import migrations
from shared import jobs
from shared.db import Database
from shared.search import entries
from shared.states import JobStatus
from tests.bench.measuring.searchable_jobs import (
    IN_NO_TEXT,
    JOBS,
    LEFT_TO_A_WORKER,
    OWNER,
    load,
    some_texts,
    without_the_index,
)

pytestmark = [pytest.mark.bench, pytest.mark.timeout(20_000)]

MOST_MS = 300

KEPT = os.environ.get("SEARCH_KEPT", "")


@pytest.mark.skipif(bool(KEPT), reason="SEARCH_KEPT names another database")
def test_a_search_among_very_many_jobs(database_url: str) -> None:
    db = Database(database_url, impatient=False)  # an index is made in minutes
    fill(db)
    measure_searches(db)
    db.dispose()


@pytest.mark.skipif(not KEPT, reason="SEARCH_KEPT names no database")
def test_a_search_in_a_database_that_is_kept() -> None:
    migrations.upgrade(KEPT)
    db = Database(KEPT, impatient=False)
    if entries.state(db).jobs == 0:
        fill(db)
    measure_searches(db)
    db.dispose()


def fill(db: Database) -> None:
    """Store and index `JOBS` jobs, and tell what that costs and takes."""
    began = time.monotonic()
    with without_the_index(db):
        load(db)
        print(f"{JOBS:,} jobs loaded in {time.monotonic() - began:.0f} s")
        spent = Cpu(db)
        while entries.catch_up(db, within_s=60):
            pass
        report(db, "indexing many at once, a text", spent() / min(LEFT_TO_A_WORKER, JOBS))
    print(f"and indexed after {time.monotonic() - began:.0f} s")
    with db.writing() as session:
        again = "UPDATE search_entries SET indexed = false WHERE number % :every = 0"
        session.execute(text(again), {"every": max(1, JOBS // 200)})
    spent = Cpu(db)
    found = entries.catch_up(db, within_s=60)
    report(db, "indexing one by one, a text", spent() / found)
    if not db.is_sqlite:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    print({name: f"{size / 2**20:.0f} MB" for name, size in sizes(db).items()})


def measure_searches(db: Database) -> None:
    state = entries.state(db)
    print(state)
    assert state.behind == state.missing == state.wrong == 0
    print(f"load averages: {os.getloadavg()}")
    asked = queries(some_texts(db))
    taken = [
        measure(db, what, query, owner_id) for what, query in asked for owner_id in (OWNER, "o7")
    ]
    rare = [JobStatus.CANCELLED]
    taken.append(measure(db, "in a state that is rare", asked[0][1], OWNER, rare))
    report(db, "median of all", statistics.median(taken))
    report(db, "worst of all", max(taken))
    assert max(taken) < MOST_MS


def queries(made: list[str]) -> list[tuple[str, str]]:
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
        ("in no text, its pairs in half of them each", IN_NO_TEXT),
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
