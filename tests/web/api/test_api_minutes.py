"""Minutes over the API: asking, what is shown, and what their owner makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from shared.db import Database
from shared.minutes import minutes_queue
from shared.minutes.contents import Minutes, Point
from shared.minutes.cutting import transcript_digest
from shared.minutes.prompts import default_prompt
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app

WRITTEN = Minutes(
    summary=(Point("<b>大家</b>好", (0, 1), unverified=("9",)), Point("无", ())),
    todos=(Point("用GPU", (1,), "张三", "周五"),),
    chapters=(Point("开场", (0,)),),
)


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(
        database_url, tmp_path, minutes_url="http://model.example:11434/v1", minutes_model="small"
    )
    yield made
    database(made).dispose()


@pytest.fixture
def job(rows: Database) -> str:
    """A completed job's URL."""
    return f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"


def write(rows: Database, minutes: Minutes = WRITTEN) -> None:
    """Answer the request that waits."""
    claim = minutes_queue.claim_next(
        rows, worker="w", lease_s=60, model="small", host="model.example:11434"
    )
    assert claim is not None
    digest = transcript_digest(factories.TRANSCRIPT)
    minutes_queue.finish(rows, claim, minutes, transcript_digest=digest)


def body(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json)


def code(answer: Any, status: int = 409) -> str:
    return str(body(answer, status)["error"]["code"])


def test_from_asking_to_accepting(client: FlaskClient, rows: Database, job: str) -> None:
    assert code(client.get(f"{job}/minutes"), 404) == "minutes_not_found"
    asked = client.post(f"{job}/minutes", json={"language": "zh"})
    assert asked.location == f"{job}/minutes" and asked.headers["Retry-After"] == "2"
    found = body(asked, 202)
    assert (found["status"], found["language"], found["minutes"]) == ("queued", "zh", None)
    assert code(client.post(f"{job}/minutes", json={"again": True})) == "minutes_exist"
    write(rows)
    found = body(client.get(f"{job}/minutes"))
    assert (found["status"], found["model"], found["host"]) == (
        "completed", "small", "model.example:11434",
    )  # fmt: skip
    assert (found["outdated"], found["edited"], found["accepted_at"]) == (False, False, None)
    assert found["minutes"]["summary"] == [
        {"text": "<b>大家</b>好", "sentences": [0, 1], "start": 0.5, "owner": "", "due": "",
         "unverified": ["9"]},
        {"text": "无", "sentences": [], "start": None, "owner": "", "due": "", "unverified": []},
    ]  # fmt: skip
    assert [event["kind"] for event in found["events"]] == ["submitted", "claimed", "completed"]

    mine = {"summary": [{"text": "大家好", "sentences": [0]}]}
    change = {"revision": 0, "minutes": mine, "accepted": True}
    changed = body(client.put(f"{job}/minutes", json=change))
    assert (changed["edited"], changed["revision"]) == (True, 1)
    assert changed["accepted_at"] and changed["minutes"]["todos"] == []
    assert code(client.put(f"{job}/minutes", json=change)) == "minutes_edited_meanwhile"
    back = body(client.put(f"{job}/minutes", json={"revision": 1}))
    assert back["minutes"] == found["minutes"] and not back["edited"]

    assert client.delete(f"{job}/minutes").status_code == 204
    assert code(client.get(f"{job}/minutes"), 404) == "minutes_not_found"


def test_finished_ones_are_downloaded(client: FlaskClient, rows: Database, job: str) -> None:
    client.post(f"{job}/minutes", json={"language": "zh"})
    assert code(client.get(f"{job}/minutes/file")) == "minutes_not_ready"
    write(rows)
    for name, kind in (("md", "text/markdown"), ("txt", "text/plain"), ("docx", "application/")):
        answer = client.get(f"{job}/minutes/file?format={name}")
        assert answer.status_code == 200 and answer.content_type.startswith(kind)
        assert f".{name}" in answer.headers["Content-Disposition"]
        known = {"If-None-Match": answer.headers["ETag"]}
        again = client.get(f"{job}/minutes/file?format={name}", headers=known)
        assert again.status_code == 304
    assert code(client.get(f"{job}/minutes/file?format=pdf"), 400) == "invalid_request"


def test_finished_ones_are_kept_as_marks_once(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.post(f"{job}/minutes", json={})
    assert code(client.post(f"{job}/minutes/marks")) == "minutes_not_ready"
    write(rows)
    assert body(client.post(f"{job}/minutes/marks"), 201) == {"added": 2}
    kept = [
        (mark["kind"], mark["at"], mark["text"], mark["who"], mark["due"])
        for mark in body(client.get(f"{job}/marks"))["marks"]
    ]
    assert kept == [("chapter", 0.5, "开场", "", ""), ("todo", 2.0, "用GPU", "张三", "周五")]
    assert body(client.post(f"{job}/minutes/marks"), 201) == {"added": 0}


def test_cancelled_ones_are_tried_again(client: FlaskClient, job: str) -> None:
    client.post(f"{job}/minutes", json={})
    assert code(client.post(f"{job}/minutes/retry")) == "illegal_transition"
    assert code(client.put(f"{job}/minutes", json={"revision": 0})) == "minutes_not_ready"
    assert body(client.post(f"{job}/minutes/cancel"))["status"] == "cancelled"
    assert body(client.post(f"{job}/minutes/retry"), 202)["status"] == "queued"


def test_a_correction_makes_them_outdated(client: FlaskClient, rows: Database, job: str) -> None:
    client.post(f"{job}/minutes", json={})
    write(rows)
    client.put(f"{job}/sentences/0", json={"text": "各位好。", "revision": 0})
    assert body(client.get(f"{job}/minutes"))["outdated"] is True
    assert body(client.post(f"{job}/minutes", json={"again": True}), 202)["status"] == "queued"


def test_a_change_that_cannot_be_is_refused(client: FlaskClient, rows: Database, job: str) -> None:
    client.post(f"{job}/minutes", json={})
    write(rows)
    changes: list[dict[str, Any]] = [
        {},
        {"revision": -1},
        {"revision": 0, "minutes": {"summary": [{"text": ""}]}},
        {"revision": 0, "minutes": {"summary": [{"text": "\u0000"}]}},
        {"revision": 0, "minutes": {"summary": [{"text": "a", "sentences": [2]}]}},
        {"revision": 0, "minutes": {"summary": [{"text": "a" * 1001}]}},
        {"revision": 0, "minutes": {"summary": [{"text": "a"}] * 201}},
        {"revision": 0, "minutes": {"notes": []}},
    ]
    for change in changes:
        assert code(client.put(f"{job}/minutes", json=change), 400) == "invalid_request", change
    assert body(client.get(f"{job}/minutes"))["revision"] == 0


def test_a_failure_says_what_to_do_in_the_readers_language(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.post(f"{job}/minutes", json={})
    claim = minutes_queue.claim_next(rows, worker="w", lease_s=60, model="m", host="h")
    assert claim is not None
    from shared.minutes.errors import AnswerUnusable

    minutes_queue.fail(rows, claim, AnswerUnusable())
    found = body(client.get(f"{job}/minutes"))
    assert found["error"]["code"] == "minutes_answer_unusable"


def test_without_a_model_nothing_can_be_asked(
    database_url: str, tmp_path: Path, rows: Database, job: str
) -> None:
    off = make_app(database_url, tmp_path / "off")
    client = off.test_client()
    assert code(client.post(f"{job}/minutes", json={})) == "minutes_off"
    assert code(client.post(f"/api/v1/jobs/{uuid4()}/minutes", json={}), 404) == "not_found"
    database(off).dispose()


def test_only_a_finished_transcript_has_minutes(client: FlaskClient, rows: Database) -> None:
    waiting = f"/api/v1/jobs/{factories.submit(rows)}"
    assert code(client.post(f"{waiting}/minutes", json={})) == "transcript_not_ready"


def test_prompts_are_changed_and_given_back(client: FlaskClient, job: str) -> None:
    address = "/api/v1/minutes/prompts"
    assert {p["name"] for p in body(client.get(address))["prompts"]} == {"part", "merge"}
    changed = body(client.put(f"{address}/zh/part", json={"text": "短：{{transcript}}"}))
    (mine,) = [p for p in changed["prompts"] if p["changed"]]
    assert (mine["text"], mine["default"]) == ("短：{{transcript}}", default_prompt("zh", "part"))
    asked = body(client.post(f"{job}/minutes", json={"language": "zh"}), 202)
    assert asked["prompt_version"].endswith("(own)")
    assert code(client.put(f"{address}/zh/part", json={"text": "短"}), 400) == "invalid_request"
    for path in ("/zh/format", "/fr/part"):
        assert client.put(f"{address}{path}", json={"text": "a"}).status_code == 404
    back = body(client.delete(f"{address}/zh/part"))
    assert not any(p["changed"] for p in back["prompts"])


def test_a_file_is_made_without_asking_where_jobs_stand_in_the_queue(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.post(f"{job}/minutes", json={})
    write(rows)
    statements: list[str] = []
    event.listen(rows.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert client.get(f"{job}/minutes/file").status_code == 200
    assert any("minutes_requests" in text for text in statements)
    assert not [text for text in statements if re.search(r"\b(workers|turns|tallies)\b", text)]
