"""Rows that cannot be read, as an earlier version or a hand in the database left them: each is one
item with an error, and nothing else suffers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


OPTIONS = "UPDATE jobs SET options = :value WHERE id = :job_id"

POISONS: dict[str, tuple[str, Any]] = {
    "a surrogate": (OPTIONS, r'{"metadata": {"a": "\ud800"}}'),
    "a name that is a surrogate": (OPTIONS, r'{"metadata": {"\ud800": 1}}'),
    "depth": (OPTIONS, '{"metadata": {"a":' + "[" * 300 + "]" * 300 + "}}"),
    "much depth": (OPTIONS, "[" * 5000 + "]" * 5000),
    "a number beyond all": (OPTIONS, '{"metadata": {"a": 1e400}}'),
    "thousands of digits": (OPTIONS, f'{{"metadata": {{"a": {"9" * 5000}}}}}'),
    "no object": (OPTIONS, '{"metadata": [1]}'),
    "a list": (OPTIONS, "[]"),
    "null": (OPTIONS, "null"),
    "a choice that is none": (OPTIONS, '{"tracks": "all"}'),
    "speakers that are none": (OPTIONS, '{"speakers": "all"}'),
    "an endless recording": (
        "UPDATE recordings SET duration_s = :value"
        " WHERE id = (SELECT recording_id FROM jobs WHERE id = :job_id)",
        float("inf"),
    ),
    "a recording of less than nothing": (
        "UPDATE recordings SET duration_s = :value"
        " WHERE id = (SELECT recording_id FROM jobs WHERE id = :job_id)",
        -5.0,
    ),
    "a share that is none": (
        "UPDATE jobs SET low_confidence_share = :value WHERE id = :job_id",
        float("inf"),
    ),
    "an endless batch": (
        "UPDATE attempts SET batch_size_s = :value WHERE job_id = :job_id",
        float("inf"),
    ),
}

ONLY_SQLITE_KEEPS: dict[str, tuple[str, Any]] = {
    "no JSON": (OPTIONS, '{"metadata'),
    "no text": (OPTIONS, b"\xff\xfe"),
    "NaN": (OPTIONS, '{"metadata": {"a": NaN}}'),
    "no end of an attempt": ("UPDATE attempts SET ended_at = :value WHERE job_id = :job_id", "no"),
    "no time to begin": ("UPDATE jobs SET available_at = :value WHERE id = :job_id", "yesterday"),
    "no time": ("UPDATE jobs SET created_at = :value WHERE id = :job_id", "yesterday"),
    "no UTF-8": (
        "UPDATE recordings SET filename = CAST(:value AS TEXT)"
        " WHERE id = (SELECT recording_id FROM jobs WHERE id = :job_id)",
        b"\xff\xfe",
    ),
}


def poison(db: Database, job_id: str, statement: str, value: Any) -> None:
    if not db.is_sqlite and statement is OPTIONS:
        statement = statement.replace(":value", "CAST(:value AS json)")
    with db.writing() as session:
        session.execute(text(statement), {"value": value, "job_id": job_id})


def strict(body: bytes) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(body.decode(), parse_constant=refuse)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        *((what, JobStatus.COMPLETED) for what in (*POISONS, *ONLY_SQLITE_KEEPS)),
        ("a surrogate", JobStatus.QUEUED),
        ("an endless recording", JobStatus.QUEUED),
        ("no time", JobStatus.QUEUED),
        ("no time to begin", JobStatus.QUEUED),
        ("no end of an attempt", JobStatus.COMPLETED),
    ],
)
def test_a_job_that_cannot_be_read_is_one_item_with_an_error(
    app: Flask, client: FlaskClient, rows: Database, what: str, status: JobStatus
) -> None:
    if what in ONLY_SQLITE_KEEPS and not rows.is_sqlite:
        return  # PostgreSQL refuses to keep it
    statement, value = (POISONS | ONLY_SQLITE_KEEPS)[what]
    sound = factories.a_job(rows, JobStatus.COMPLETED, filename="sound.wav")
    bad = factories.a_job(rows, status, filename="bad.wav")
    poison(rows, bad, statement, value)

    listed = client.get("/api/v1/jobs")
    assert listed.status_code == 200, listed.text
    by_id = {job["id"]: job for job in strict(listed.data)["jobs"]}
    assert by_id[sound]["error"] is None
    assert by_id[bad]["error"]["code"] == "stored_data_unreadable"
    assert (by_id[bad]["status"], by_id[bad]["metadata"]) == (status.value, {})
    single = client.get(f"/api/v1/jobs/{bad}")
    assert strict(single.data)["error"]["code"] == "stored_data_unreadable"
    assert client.get(f"/api/v1/jobs/{bad}/history").status_code == 200

    for language, says in (("en", "cannot be read"), ("zh", "无法读取")):
        for path in ("/", "/fragments/jobs", f"/jobs/{bad}", f"/fragments/jobs/{bad}"):
            page = client.get(path, headers={"Accept-Language": language})
            assert page.status_code == 200, (path, page.text)
            assert says in page.text, path
    assert sum(strict(client.get("/fragments/jobs/whole").data)["counts"].values()) == 2
    assert client.get("/api/v1/jobs?q=sound").status_code == 200
    assert client.get(f"/api/v1/jobs/{sound}/transcript").status_code == 200

    assert client.get(f"/jobs/{bad}/delete").status_code == 200
    assert client.delete(f"/api/v1/jobs/{bad}").status_code == 204
    assert [job["id"] for job in strict(client.get("/api/v1/jobs").data)["jobs"]] == [sound]


def test_jobs_that_cannot_be_read_are_deleted_with_others(
    client: FlaskClient, rows: Database
) -> None:
    bad = [factories.submit(rows) for _ in range(2)]
    for job_id in bad:
        poison(rows, job_id, *POISONS["a surrogate"])
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    answer = client.post(
        "/jobs/selected",
        data={"csrf_token": token, "action": "delete", "job": bad},
        headers={"Accept": "application/json"},
    )
    assert answer.json == {"outcomes": {"deleted": 2}}


@pytest.mark.parametrize("stored", ["{}", "[]", "null", '{"sentences": 1}', "{", "[" * 5000])
def test_a_transcript_that_cannot_be_read_says_so(
    client: FlaskClient, rows: Database, stored: str
) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    if not rows.is_sqlite and stored in ("{", "[" * 5000):
        return  # PostgreSQL refuses to keep it
    allow, value = (
        ("DROP TRIGGER transcripts_for_good", ":value")
        if rows.is_sqlite
        else ("ALTER TABLE transcripts DISABLE TRIGGER USER", "CAST(:value AS json)")
    )
    with rows.writing() as session:
        session.execute(text(allow))
        session.execute(
            text(f"UPDATE transcripts SET content = {value} WHERE job_id = :job_id"),
            {"value": stored, "job_id": job_id},
        )
    for path in ("transcript", "words", "sentences/0", "revisions"):
        answer = client.get(f"/api/v1/jobs/{job_id}/{path}")
        assert answer.status_code in (404, 409), (path, answer.text)
    assert strict(client.get(f"/api/v1/jobs/{job_id}/transcript").data)["error"]["code"] == (
        "transcript_unreadable"
    )
    page = client.get(f"/jobs/{job_id}")
    assert page.status_code == 200
    assert "transcript that is stored of this job cannot be read" in page.text
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("detail", ["{}", "[]", '{"duration_s": "long"}', '{"code": 5}', "null"])
def test_an_event_that_cannot_be_read_is_told_as_such(
    client: FlaskClient, rows: Database, detail: str
) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    kept = ":value" if rows.is_sqlite else "CAST(:value AS json)"
    with rows.writing() as session:
        session.execute(
            text(f"UPDATE events SET detail = {kept} WHERE job_id = :job_id"),
            {"value": detail, "job_id": job_id},
        )
    history = client.get(f"/api/v1/jobs/{job_id}/history")
    assert history.status_code == 200, history.text
    assert client.get(f"/jobs/{job_id}").status_code == 200
