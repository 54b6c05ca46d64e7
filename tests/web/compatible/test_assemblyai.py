"""/v2 as a client of AssemblyAI's meets it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from shared import accounts, jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Upload
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, form_token, quick_hashes, signed_in
from tests.support.web.web_app import database, make_app, stored_files


def upload(client: FlaskClient, sound: bytes = b"sound", **headers: str) -> str:
    answer = client.post("/v2/upload", data=sound, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json["upload_url"])  # type: ignore[index]


def ask(client: FlaskClient, **fields: Any) -> TestResponse:
    return client.post("/v2/transcript", json=fields)


def test_what_was_uploaded_becomes_a_job_of_the_same_kind(
    client: FlaskClient, rows: Database
) -> None:
    shown = ask(
        client,
        audio_url=upload(client),
        speaker_labels=True,
        speakers_expected=3,
        keyterms_prompt=["达摩院"],
        speech_models=["universal"],
        language_code="zh",
        redact_pii=False,
    ).json
    assert shown is not None
    assert (shown["status"], shown["text"], shown["words"]) == ("queued", None, None)
    job = jobs.get_job(rows, owner_id=LOCAL_OWNER, job_id=shown["id"]).job
    assert (job.options["speakers"], job.model, job.recording.filename) == ("3", None, "recording")
    given = jobs.get_hotwords(rows, owner_id=LOCAL_OWNER, job_id=job.id)
    assert list(given.named) == ["达摩院"]
    factories.complete(rows, factories.claim(rows))
    done = client.get(f"/v2/transcript/{job.id}").json
    assert done is not None
    assert (done["status"], done["text"]) == ("completed", "大家好。用GPU吗？")
    assert (done["audio_duration"], done["utterances"]) == (13, None)
    assert done["words"][4] == {
        "text": "GPU",
        "start": 2200,
        "end": 2600,
        "confidence": 0.41,
        "speaker": None,
    }


def test_the_transcript_comes_in_parts_and_as_subtitles(
    client: FlaskClient, rows: Database
) -> None:
    path = f"/v2/transcript/{factories.a_job(rows, JobStatus.COMPLETED)}"
    sentences = client.get(f"{path}/sentences").json["sentences"]  # type: ignore[index]
    assert [(one["text"], one["start"]) for one in sentences] == [
        ("大家好。", 500),
        ("用GPU吗？", 2000),
    ]
    assert client.get(f"{path}/paragraphs").json["paragraphs"][0]["start"] == 500  # type: ignore[index]
    assert client.get(f"{path}/srt?chars_per_caption=1").text.startswith("1\n00:00:00,500")
    assert client.get(f"{path}/vtt").text.startswith("WEBVTT")


def test_a_failed_job_is_an_answer_with_an_error(client: FlaskClient, rows: Database) -> None:
    shown = client.get(f"/v2/transcript/{factories.a_job(rows, JobStatus.FAILED)}").json
    assert shown is not None
    assert shown["status"] == "error" and "unsupported_media" in shown["error"]


def test_a_stream_of_unknown_length_is_uploaded_too(client: FlaskClient, rows: Database) -> None:
    def sent(sound: bytes) -> TestResponse:
        return client.post(
            "/v2/upload",
            input_stream=io.BytesIO(sound),
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )

    assert "empty" in sent(b"").json["error"]  # type: ignore[index]
    shown = ask(client, audio_url=sent(b"sound" * 1000).json["upload_url"])  # type: ignore[index]
    job = jobs.get_job(rows, owner_id=LOCAL_OWNER, job_id=shown.json["id"]).job  # type: ignore[index]
    assert job.recording.size_bytes == 5000
    with rows.reading() as session:
        assert session.scalars(select(Upload.size_bytes)).all() == [5000]


def test_an_upload_is_heard_once_more_with_other_options(
    client: FlaskClient, rows: Database
) -> None:
    url = upload(client)

    def asked(**fields: Any) -> Any:
        answer = ask(client, audio_url=url, **fields)
        return answer.json["id"] if answer.status_code == 200 else answer.status_code  # type: ignore[index]

    first = asked()
    assert asked() == first
    assert asked(speaker_labels=True) == 409  # while it is being heard
    factories.complete(rows, factories.claim(rows))
    second = asked(speaker_labels=True, keyterms_prompt=["达摩院"])
    assert asked(speaker_labels=True, keyterms_prompt=["达摩院"]) == second != first
    job = jobs.get_job(rows, owner_id=LOCAL_OWNER, job_id=second).job
    assert job.options["speakers"] == "auto"
    assert asked() == first
    assert len(jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs) == 2


def test_what_is_not_done_here_is_refused_by_name(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    url = upload(client)
    for fields in (
        {"audio_url": "https://example.com/a.mp3"},
        {"audio_url": 3},
        {"audio_url": url, "redact_pii": True},
        {"audio_url": url, "webhook_url": "https://example.com"},
        {"audio_url": url, "keyterms_prompt": "text"},
        {"audio_url": url, "speaker_labels": True, "speakers_expected": 10_000},
        {},
    ):
        answer = ask(client, **fields)
        assert answer.status_code == 400, fields
        assert isinstance(answer.json["error"], str)  # type: ignore[index]
    assert client.post("/v2/upload", data=b"").status_code == 400
    for path, status in (
        ("/v2/transcript/01930000-0000-7000-8000-000000000000", 404),
        ("/v2/transcript/no-id", 404),
        ("/v2/transcript", 405),
    ):
        answer = client.get(path)
        assert (answer.status_code, type(answer.json["error"])) == (status, str)  # type: ignore[index]
    assert jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs == []
    assert len(stored_files(tmp_path)) == 1


def test_a_bare_key_opens_it_and_nothing_else(database_url: str, tmp_path: Path) -> None:
    with quick_hashes():
        app = make_app(database_url, tmp_path, sign_in="required")
        db = database(app)
        anna, bo = an_admin(db), a_person(db)
        program, browser = app.test_client(), signed_in(app, "Anna")
        token = {"X-CSRFToken": form_token(browser, "/")}
        key = accounts.make_key(db, user_id=bo.id, name="a program")
        bare, bearer = {"Authorization": key}, {"Authorization": f"Bearer {key}"}
        assert browser.post("/v2/upload", data=b"sound", headers=token).status_code == 401
        assert program.post("/v2/upload", data=b"sound").status_code == 401
        wrong = program.post("/v2/upload", data=b"sound", headers={"Authorization": f"{key}x"})
        assert (wrong.status_code, wrong.json["code"]) == (401, "unauthorized")  # type: ignore[index]
        url = upload(program, **bare)
        made = program.post("/v2/transcript", json={"audio_url": url}, headers=bearer).json
        assert made is not None
        job_id = made["id"]
        assert jobs.get_job(db, owner_id=bo.id, job_id=job_id).job.status == JobStatus.QUEUED
        # Elsewhere a key without Bearer is none, and another's transcript is not there.
        assert program.get(f"/api/v1/jobs/{job_id}", headers=bare).status_code == 401
        theirs = {"Authorization": accounts.make_key(db, user_id=anna.id, name="hers")}
        assert program.get(f"/v2/transcript/{job_id}", headers=theirs).status_code == 404
        assert program.delete(f"/v2/transcript/{job_id}", headers=theirs).status_code == 404
        db.dispose()
