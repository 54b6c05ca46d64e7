"""DashScope's transcription tasks as a client of theirs meets them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import accounts, jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, form_token, quick_hashes, signed_in
from tests.support.web.web_app import database, make_app
from tests.web.compatible.test_assemblyai import upload
from web.compatible.dashscope import views

BEGIN = "/api/v1/services/audio/asr/transcription"


def begin(client: FlaskClient, *urls: Any, **parameters: Any) -> TestResponse:
    body = {"model": "paraformer-v2", "input": {"file_urls": list(urls)}, "parameters": parameters}
    return client.post(BEGIN, json=body, headers={"X-DashScope-Async": "enable"})


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_task_is_begun_asked_for_and_read(client: FlaskClient, rows: Database) -> None:
    begun = begin(
        client, upload(client), diarization_enabled=True, speaker_count=2, language_hints=["zh"]
    ).json
    assert begun is not None
    task = begun["output"]
    assert task["task_status"] == "PENDING"
    job = jobs.get_job(rows, owner_id=LOCAL_OWNER, job_id=task["task_id"]).job
    assert (job.options["speakers"], job.model) == ("2", None)
    path = f"/api/v1/tasks/{job.id}"
    assert "results" not in client.get(path).json["output"]  # type: ignore[index]
    claimed = factories.claim(rows)
    assert client.get(path).json["output"]["task_status"] == "RUNNING"  # type: ignore[index]
    factories.complete(rows, claimed)
    done = client.get(path).json
    assert done is not None
    assert (done["output"]["task_status"], done["usage"]) == ("SUCCEEDED", {"duration": 13})
    [result] = done["output"]["results"]
    text = client.get(path_of(result["transcription_url"])).json
    assert text is not None
    [channel] = text["transcripts"]
    assert channel["text"] == "大家好。用GPU吗？"
    first, second = channel["sentences"]
    assert (first["begin_time"], second["sentence_id"]) == (500, 2)
    assert [(word["text"], word["punctuation"]) for word in second["words"]] == [
        ("用", ""),
        ("GPU", ""),
        ("吗", "？"),
    ]


def test_a_failed_task_and_a_cancelled_one_are_told(client: FlaskClient, rows: Database) -> None:
    failed = factories.a_job(rows, JobStatus.FAILED)
    output = client.get(f"/api/v1/tasks/{failed}").json["output"]  # type: ignore[index]
    assert (output["task_status"], output["code"]) == ("FAILED", "unsupported_media")
    waiting = factories.submit(rows)
    assert client.post(f"/api/v1/tasks/{waiting}/cancel").status_code == 200
    output = client.get(f"/api/v1/tasks/{waiting}").json["output"]  # type: ignore[index]
    assert output["task_status"] == "CANCELED"


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "CST-8")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_shanghai")
def test_times_are_by_the_server_s_clock(client: FlaskClient, rows: Database) -> None:
    job = jobs.get_job(rows, owner_id=LOCAL_OWNER, job_id=factories.submit(rows)).job
    output = client.get(f"/api/v1/tasks/{job.id}").json["output"]  # type: ignore[index]
    there = job.created_at + timedelta(hours=8)
    assert output["submit_time"] == f"{there:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def test_what_is_not_done_here_is_refused_by_name(client: FlaskClient, rows: Database) -> None:
    url = upload(client)
    refused = [
        begin(client, "https://example.com/a.mp3"),
        begin(client, url, url),
        begin(client, 3),
        begin(client, url, special_word_filter="{}"),
        begin(client, url, channel_id=["left"]),
        client.post(BEGIN, json={"input": {"file_urls": [url]}}),
        client.get("/api/v1/tasks/no-id"),
    ]
    assert [answer.status_code for answer in refused] == [400] * 6 + [404]
    assert all(answer.json["message"] for answer in refused)  # type: ignore[index]
    assert jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs == []
    assert begin(client, url, channel_id=[1]).status_code == 200
    assert jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs[0].job.options["channels"] == 2


def test_a_transcription_opens_by_its_own_address_for_a_day(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick_hashes():
        app = make_app(database_url, tmp_path, sign_in="required")
        db = database(app)
        bo, eve = an_admin(db, "Bo"), a_person(db, "Eve")
        mine, other = (factories.a_job(db, JobStatus.COMPLETED, owner_id=bo.id) for _ in range(2))
        key = {"Authorization": f"Bearer {accounts.make_key(db, user_id=bo.id, name='p')}"}
        program, stranger, browser = app.test_client(), app.test_client(), signed_in(app, "Bo")
        token = {"X-CSRFToken": form_token(browser, "/")}
        assert browser.get(f"/api/v1/tasks/{mine}").status_code == 401
        assert browser.post(BEGIN, json={}, headers=token).status_code == 401
        assert stranger.get(f"/api/v1/tasks/{mine}").json["code"] == "unauthorized"  # type: ignore[index]
        bare = {"Authorization": key["Authorization"].split()[1]}
        assert stranger.get(f"/api/v1/tasks/{mine}", headers=bare).status_code == 401
        hers = {"Authorization": f"Bearer {accounts.make_key(db, user_id=eve.id, name='p')}"}
        assert stranger.get(f"/api/v1/tasks/{mine}", headers=hers).status_code == 404
        output = program.get(f"/api/v1/tasks/{mine}", headers=key).json["output"]  # type: ignore[index]
        address = path_of(output["results"][0]["transcription_url"])
        assert stranger.get(address).status_code == 200
        for changed in (address.replace(mine, other), address[:-2], address.partition("?")[0]):
            assert stranger.get(changed).status_code == 404
        accounts.set_admin(db, eve.id, True)
        accounts.disable(db, bo.id)
        assert stranger.get(address).status_code == 404
        accounts.enable(db, bo.id)
        assert stranger.get(address).status_code == 200
        monkeypatch.setattr(views, "LINK_S", -1)
        assert stranger.get(address).status_code == 404
        db.dispose()
