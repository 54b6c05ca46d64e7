"""What POST /api/v1/jobs keeps and answers, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import WorkerLost
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files, submit
from web.api.parsing import parse_json
from web.api.schemas.submission import UploadSubmission

JOB_FIELDS = {
    *("id", "status", "stage", "progress", "queue_position", "waits_for", "eta_seconds"),
    *(
        "audio_duration",
        "filename",
        "created_at",
        "started_at",
        "completed_at",
        "kept_days",
        "attempts",
        "batch",
    ),
    *(
        "real_time_factor_x",
        "error",
        "warnings",
        "confidence",
        "metadata",
        "priority",
        "tracks",
        "channels",
        "speakers",
        "replacements",
        "numbers",
        "hotword_lists",
        "model",
        "links",
    ),
    *("title", "date", "people", "tags", "recording_id"),
    "workers_alive",
    "recording",
    "audio",
}
"""Fields of a job asked for by itself; a list has all but `recording` and `audio`."""


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


# --- submit ------------------------------------------------------------------------------------


def test_a_submission_answers_202_with_the_job_and_keeps_the_bytes(
    client: FlaskClient, tmp_path: Path
) -> None:
    response = submit(client, b"RIFF-sound", "周会 01.wav", priority="3", metadata='{"room": "3A"}')

    assert response.status_code == 202
    job = response.json
    assert job and set(job) == JOB_FIELDS
    assert response.headers["Location"] == job["links"]["self"] == f"/api/v1/jobs/{job['id']}"
    assert (job["status"], job["progress"], job["queue_position"]) == ("queued", 0.0, 1)
    assert (job["filename"], job["priority"], job["metadata"]) == (
        "周会 01.wav",
        3,
        {"room": "3A"},
    )
    assert job["created_at"].endswith("Z")
    assert client.get(response.headers["Location"]).json == job
    assert [path.read_bytes() for path in stored_files(tmp_path)] == [b"RIFF-sound"]


def test_the_choice_of_tracks_and_channels_stays_with_the_job(
    client: FlaskClient, rows: Database
) -> None:
    mixed = submit(client).json
    assert mixed and (mixed["tracks"], mixed["channels"]) == ("mix", "mix")
    jobs.fail(rows, factories.claim(rows), WorkerLost())
    chosen = submit(client, tracks="each", channels="2").json
    assert chosen and (chosen["tracks"], chosen["channels"]) == ("each", 2)

    claimed = factories.claim(rows)
    assert claimed.options == {"tracks": "each", "channels": 2}
    jobs.fail(rows, claimed, WorkerLost())
    again = client.post(chosen["links"]["retry"]).json
    assert again and (again["tracks"], again["channels"]) == ("each", 2)
    assert factories.claim(rows).options == claimed.options


@pytest.mark.parametrize(
    ("sent", "shown", "stored"),
    [("auto", "auto", "auto"), ("03", "3", "3"), ("2-4", "2-4", "2-4"), ("5-5", "5", "5")],
)
def test_how_many_speakers_stays_with_the_job(
    client: FlaskClient, rows: Database, sent: str, shown: str, stored: str
) -> None:
    chosen = submit(client, speakers=sent).json
    assert chosen and chosen["speakers"] == shown

    claimed = factories.claim(rows)
    assert claimed.options == {"speakers": stored}
    jobs.fail(rows, claimed, WorkerLost())
    again = client.post(chosen["links"]["retry"]).json
    assert again and again["speakers"] == shown
    assert factories.claim(rows).options == claimed.options


def test_no_speakers_are_told_apart_unless_that_is_asked_for(
    client: FlaskClient, rows: Database
) -> None:
    unasked, off = submit(client, key="k-1"), submit(client, key="k-1", speakers="off")
    assert unasked.json["id"] == off.json["id"]  # type: ignore[index]
    assert (off.json or {})["speakers"] == "off"
    assert factories.claim(rows).options == {}
    assert submit(client, key="k-1", speakers="auto").status_code == 409


def test_the_choice_of_tracks_is_part_of_what_an_idempotency_key_stands_for(
    client: FlaskClient,
) -> None:
    first = submit(client, key="k-1")
    same = submit(client, key="k-1", tracks="mix", channels="mix")
    assert (first.status_code, same.status_code) == (202, 202)
    assert first.json["id"] == same.json["id"]  # type: ignore[index]
    other = submit(client, key="k-1", tracks="2")
    assert other.status_code == 409
    assert other.json["error"]["code"] == "idempotency_key_reused"  # type: ignore[index]


def test_the_choice_of_tracks_stands_in_the_openapi_document(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").json
    assert spec
    body = spec["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]
    for kind in ("multipart/form-data", "application/json"):
        for name in ("tracks", "channels"):
            field = body[kind]["schema"]["properties"][name]
            assert field["default"] == "mix"
            assert field["anyOf"] == [
                {"enum": ["mix", "each"], "type": "string"},
                {"maximum": 64, "minimum": 1, "type": "integer"},
            ]
        speakers = body[kind]["schema"]["properties"]["speakers"]
        assert speakers["default"] == "off"
        for value in ("off", "auto", 1, 30, "30", "2-5"):
            jsonschema.validate(value, speakers)
        for value in ("each", 0, 31, "0-5", "2-31", None, True):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(value, speakers)


def test_the_demonstration_model_is_named_as_one(client: FlaskClient) -> None:
    model = submit(client).json["model"]  # type: ignore[index]
    assert model["name"] == "demo"
    assert model["demo"] is True
    assert "500 characters" in model["notice"]


def test_the_same_idempotency_key_makes_one_job_and_keeps_one_file(
    client: FlaskClient, tmp_path: Path
) -> None:
    first, again = submit(client, key="k-1"), submit(client, key="k-1")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json["id"] == again.json["id"]  # type: ignore[index]
    assert len(stored_files(tmp_path)) == 1


def test_an_idempotency_key_for_another_recording_is_refused(
    client: FlaskClient, tmp_path: Path
) -> None:
    submit(client, b"one", key="k-1")
    response = submit(client, b"two", key="k-1")

    assert response.status_code == 409
    assert response.json["error"]["code"] == "idempotency_key_reused"  # type: ignore[index]
    assert len(stored_files(tmp_path)) == 1


@pytest.mark.parametrize("key", [" ", "x" * 256])
def test_an_idempotency_key_that_cannot_be_kept_is_refused(client: FlaskClient, key: str) -> None:
    response = submit(client, key=key)
    assert response.status_code == 400
    assert response.json["error"]["param"] == "Idempotency-Key"  # type: ignore[index]


def test_without_a_key_each_submission_is_a_job(client: FlaskClient, tmp_path: Path) -> None:
    assert submit(client).json["id"] != submit(client).json["id"]  # type: ignore[index]
    assert len(stored_files(tmp_path)) == 2


def test_a_form_gives_a_list_one_by_one_or_as_a_text(client: FlaskClient, rows: Database) -> None:
    for given in (["达摩院", "GPU"], "达摩院\nGPU", '["达摩院", "GPU"]'):
        job_id = submit(client, hotwords=given).json["id"]  # type: ignore[index]
        words = jobs.get_hotwords(rows, owner_id=LOCAL_OWNER, job_id=job_id)
        assert sorted(words.named) == ["GPU", "达摩院"]
    twice = submit(client, numbers=["spoken", "written"])
    assert (twice.status_code, "given twice" in twice.text) == (400, True)


# --- one job -----------------------------------------------------------------------------------


def test_metadata_is_kept_as_it_came(app: Flask) -> None:
    given = {"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"take": [3.0]}}
    with app.test_request_context(json=given):
        [take] = parse_json(UploadSubmission).metadata["take"]
    assert isinstance(take, float)
