"""English sentences about the batch size become numbers, and are there again after a downgrade."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect, select, text

import migrations
from shared import jobs
from shared.db import Database
from shared.models import Attempt
from shared.states import BatchLimit

NOW = "2026-01-02 03:04:05"
NEW = ("limited_by", "sized_for_s", "jobs_at_once", "memory_is_measured", "learned_ceiling_s")

SENTENCES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    (
        "a 41-minute recording allows 600 s; 8.6 GB free memory allows 9,000 s as measured",
        {},
        (BatchLimit.LENGTH, 2460, 1, True, None),
    ),
    (
        "an 8.1-hour recording allows 600 s; 0.4 GB free memory for each of 2 jobs at once "
        "allows 412 s",
        {"batch_size_s": 412, "memory_cap_s": 412.9},
        (BatchLimit.MEMORY, pytest.approx(29_160), 2, False, None),
    ),
    (
        "LONGSCRIBE_BATCH_SIZE_S asks for 600 s; 8.6 GB free memory allows 9,000 s",
        {},
        (BatchLimit.SETTING, None, 1, False, None),
    ),
    (
        "a 12-second recording allows 600 s; 0.0 GB free memory leaves nothing after the reserve, "
        "so segments go one by one",
        {"batch_size_s": 1, "memory_cap_s": 0.0},
        (BatchLimit.MEMORY, 12, 1, False, None),
    ),
    (
        "a 41-minute recording allows 600 s; 8.6 GB free memory allows 9,000 s; "
        "150 s since a larger batch ran out of memory",
        {"batch_size_s": 150},
        (BatchLimit.LEARNED, 2460, 1, False, 150),
    ),
    (  # halved after the sentence was written
        "a 41-minute recording allows 600 s; 8.6 GB free memory allows 9,000 s",
        {"batch_size_s": 75.5, "oom_retries": 2},
        (BatchLimit.LEARNED, 2460, 1, False, 75.5),
    ),
    ("because", {}, (None,) * 5),
    (
        "a 41-minute recording allows 600 s; 8.6 GB free memory allows 9,000 s",
        {"memory_cap_s": None},
        (None,) * 5,
    ),
]


def insert(db: Database, table: str, **row: object) -> None:
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    with db.writing() as session:
        session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)


def attempt_of_before(db: Database, number: int, reason: str | None, **values: Any) -> None:
    row = {"batch_size_s": 600, "length_ceiling_s": 600, "memory_cap_s": 9000.4, "oom_retries": 0}
    insert(
        db, "attempts", id=number, job_id="j", number=number, fence=number, worker="w",
        started_at=NOW, batches=0, discarded=False, batch_reason=reason,
        headroom_bytes=8_600_000_000, **(row | values),
    )  # fmt: skip


@pytest.fixture
def db_of_before(empty_database_url: str) -> Database:
    migrations.upgrade(empty_database_url, "0013")
    db = Database(empty_database_url)
    insert(
        db, "recordings", id="r", owner_id="local", blob_key="k", filename="f",
        size_bytes=1, sha256="s", created_at=NOW,
    )  # fmt: skip
    insert(
        db, "jobs", id="j", owner_id="local", recording_id="r", status="queued",
        progress=0, priority=0, options="{}", request_digest="d", created_at=NOW, queued_at=NOW,
        available_at=NOW, fence=9, failed_attempts=0, warnings="[]",
    )  # fmt: skip
    return db


def test_sentences_become_numbers_and_stay(db_of_before: Database, empty_database_url: str) -> None:
    db = db_of_before
    for number, (sentence, values, _) in enumerate(SENTENCES, start=1):
        attempt_of_before(db, number, sentence, **values)
    attempt_of_before(db, 99, None)
    migrations.upgrade(empty_database_url)

    with db.reading() as session:
        rows = session.scalars(select(Attempt).order_by(Attempt.id)).all()
        found = [tuple(getattr(row, name) for name in NEW) for row in rows]
    assert found == [*(numbers for _, _, numbers in SENTENCES), (None,) * 5]

    # A worker of the version before goes on beside the new schema until it is replaced.
    attempt_of_before(db, 100, "because")
    shown = jobs.get_job(db, owner_id="local", job_id="j").recognition
    assert shown is not None and (shown.limited_by, shown.stored_reason) == (None, "because")

    migrations.downgrade(empty_database_url, "0013")
    with db.engine.connect() as connection:
        kept = connection.execute(text("SELECT batch_reason FROM attempts ORDER BY id")).scalars()
        assert kept.all() == [*(sentence for sentence, _, _ in SENTENCES), None, "because"]
        columns = {column["name"] for column in inspect(connection).get_columns("attempts")}
        assert columns.isdisjoint(NEW)
    db.dispose()


def test_more_attempts_than_are_read_at_once_are_all_read(
    db_of_before: Database, empty_database_url: str
) -> None:
    count = 1_203
    sentence, _, numbers = SENTENCES[0]
    with db_of_before.writing() as session:
        session.execute(
            text(
                "INSERT INTO attempts (id, job_id, number, fence, worker, started_at, batches, "
                "oom_retries, discarded, batch_reason, batch_size_s, length_ceiling_s, "
                "memory_cap_s) VALUES (:n, 'j', :n, :n, 'w', :now, 0, 0, :no, :said, 600, 600, "
                "9000)"
            ),
            [{"n": n, "now": NOW, "no": False, "said": sentence} for n in range(1, count + 1)],
        )
    migrations.upgrade(empty_database_url)
    with db_of_before.reading() as session:
        limits = session.scalars(select(Attempt.limited_by)).all()
    assert limits == [numbers[0]] * count
    db_of_before.dispose()
