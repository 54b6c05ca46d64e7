"""What was submitted and transcribed before it could be searched is found after the upgrade."""

from __future__ import annotations

import json

from sqlalchemy import inspect, text

import migrations
from shared import jobs
from shared.db import Database

NOW = "2026-01-02 03:04:05"
COUNT = 45
"""Number of jobs, more than are read at once."""


def insert(db: Database, table: str, **row: object) -> None:
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    with db.writing() as session:
        session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)


def test_an_upgrade_makes_old_jobs_searchable(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url, "0010")
    db = Database(empty_database_url)
    for n in range(COUNT):
        insert(
            db, "recordings", id=f"r{n}", owner_id="local", blob_key=f"k{n}",
            filename=f"周会 N{n}.WAV", size_bytes=1, sha256="s", created_at=NOW,
        )  # fmt: skip
        insert(
            db, "jobs", id=f"j{n}", owner_id="local", recording_id=f"r{n}", status="queued",
            progress=0, priority=0, options="{}", request_digest="d", created_at=NOW, queued_at=NOW,
            available_at=NOW, fence=0, failed_attempts=0, warnings="[]",
        )  # fmt: skip
        sentences = [{"text": "大家好。"}, {"text": f"预算\n是ＧＰＵ{n}\x00。"}]
        insert(
            db, "transcripts", job_id=f"j{n}", created_at=NOW,
            content=json.dumps({"sentences": sentences}),
        )  # fmt: skip
    for revision, corrected in ((2, "议程"), (1, "仪程")):  # in no order
        insert(
            db, "revisions", job_id="j3", sentence=0, revision=revision, text=f"{corrected}。",
            editor_id="local", at=NOW,
        )  # fmt: skip
    migrations.upgrade(empty_database_url)

    def found(query: str) -> jobs.JobPage:
        return jobs.list_jobs(db, owner_id="local", query=query, limit=100)

    assert len(found("预算").jobs) == len(found("周会").jobs) == COUNT
    assert [view.job.id for view in found("议程").jobs] == ["j3"]
    assert len(found("大家好").jobs) == COUNT - 1 and found("仪程").jobs == []
    [view] = found("是gpu44").jobs
    assert view.job.id == "j44"
    assert found("是gpu44").snippets["j44"].sentence == 1
    assert [view.job.id for view in found("n44.wav").jobs] == ["j44"]

    # A web server and a worker of the version before go on beside the new schema.
    insert(
        db, "recordings", id="old", owner_id="local", blob_key="old", filename="Late.wav",
        size_bytes=1, sha256="s", created_at=NOW,
    )  # fmt: skip

    migrations.downgrade(empty_database_url, "0010")
    with db.engine.connect() as connection:
        assert "search_texts" not in inspect(connection).get_table_names()
        columns = {column["name"] for column in inspect(connection).get_columns("recordings")}
        assert "folded_name" not in columns
        kept = connection.execute(text("SELECT count(*) FROM transcripts")).scalar()
        assert kept == COUNT
    db.dispose()
