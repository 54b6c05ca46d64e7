"""Answers that go on while their client's key is revoked, or its account disabled."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from shared import accounts, jobs
from shared.accounts import Person
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, quick_hashes
from tests.support.stack import wait_for
from tests.support.web.web_app import database, make_app
from web.api.jobs import list_events
from web.authentication import sign_in


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(sign_in, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(list_events, "LOOK_EVERY_S", 0.01)
    with quick_hashes():
        made = make_app(sqlite_url, tmp_path, sign_in="required", answer_within_s=60)
        an_admin(database(made))
        yield made
    database(made).dispose()


@pytest.fixture
def bo(app: Flask) -> Person:
    return a_person(database(app), "Bo")


def test_a_stream_of_a_job_ends_before_it_tells_more(app: Flask, bo: Person) -> None:
    db = database(app)
    job_id = factories.submit(db, owner_id=bo.id)
    address = f"/api/v1/jobs/{job_id}/events"
    answer = app.test_client().get(address, headers=bearer(db, bo)).iter_encoded()
    assert b'"queued"' in next(answer)
    [key] = accounts.keys_of(db, bo.id)
    accounts.revoke_key(db, user_id=bo.id, key_id=key.id)
    factories.complete(db, factories.claim(db))
    assert list(answer) == []


def test_a_stream_of_all_jobs_ends_before_it_tells_more(app: Flask, bo: Person) -> None:
    db = database(app)
    answer = app.test_client().get("/api/v1/jobs/events", headers=bearer(db, bo)).iter_encoded()
    assert b"event: open" in next(answer)
    accounts.disable(db, bo.id)
    factories.submit(db, owner_id=bo.id)
    assert list(answer) == []


def test_a_stream_of_a_transcription_ends_with_the_reason(app: Flask, bo: Person) -> None:
    db = database(app)
    answer = app.test_client().post(
        "/v1/audio/transcriptions",
        data={"model": "whisper-1", "stream": "true", "file": (io.BytesIO(b"sound"), "a.wav")},
        headers=bearer(db, bo),
    )
    told = answer.iter_encoded()
    assert next(told).startswith(b":")
    [key] = accounts.keys_of(db, bo.id)
    accounts.revoke_key(db, user_id=bo.id, key_id=key.id)
    factories.complete(db, factories.claim(db))
    [error] = told
    assert b'"code": "unauthorized"' in error
    assert jobs.list_jobs(db, owner_id=bo.id).jobs[0].job.status == "completed"


def test_a_request_that_waits_for_its_transcript_is_refused(app: Flask, bo: Person) -> None:
    db = database(app)
    key = bearer(db, bo)
    form = {"model": "whisper-1", "file": (io.BytesIO(b"sound"), "a.wav")}
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(
            lambda: app.test_client().post("/v1/audio/transcriptions", data=form, headers=key)
        )
        wait_for(lambda: jobs.list_jobs(db, owner_id=bo.id).jobs, what="the job")
        accounts.revoke_key(db, user_id=bo.id, key_id=accounts.keys_of(db, bo.id)[0].id)
        factories.complete(db, factories.claim(db))
        answer = sent.result()
    assert answer.status_code == 401 and "revoked" in answer.text
