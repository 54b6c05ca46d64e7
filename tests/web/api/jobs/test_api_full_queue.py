"""Responses while too much audio waits, or while no worker runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import Job
from shared.states import JobStatus
from tests.support import factories
from tests.support.web import uploading
from tests.support.web.web_app import database, make_app, stored_files, submit

SILENT_HOURS = b"fLaC" + bytes(14) + ((16_000 << 44) | (11 * 3600 * 16_000)).to_bytes(8)
"""The header of a FLAC file of eleven hours, and nothing more."""
MINUTE_OF_WAV = b"\0" * 32_000 * 60


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, max_queued_hours=2.5 / 60)
    made.config["WTF_CSRF_ENABLED"] = False
    yield made
    database(made).dispose()


def error_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 503
    error: dict[str, Any] = response.json["error"]
    return error


def test_a_full_queue_is_a_503_that_keeps_nothing_and_says_when_to_come_again(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    factories.learn(rows, speed=2, audio_s=30)  # 1000 bytes that last 30 s, named .wav
    factories.a_worker(rows)
    factories.submit_lasting(rows, 140, filename="another-kind.mp3")
    before = stored_files(tmp_path)
    response = submit(client, b"x" * 1000, "a.wav")
    error = error_of(response)
    assert (error["code"], error["type"]) == ("queue_full", "server_error")
    assert "LONGSCRIBE_MAX_QUEUED_HOURS" in error["message"]
    # 20 s too many at twice real time, rounded up from the database's microseconds.
    assert int(response.headers["Retry-After"]) in (10, 11)
    assert stored_files(tmp_path) == before
    assert factories.count(rows, Job) == 2


def test_two_minutes_fit_and_the_third_is_refused_before_it_is_read(
    client: FlaskClient, rows: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert submit(client, MINUTE_OF_WAV, "1.wav").status_code == 202
    assert submit(client, MINUTE_OF_WAV, "2.wav").status_code == 202

    def received(*args: object, **values: object) -> None:
        raise AssertionError("the file was received")

    monkeypatch.setattr("shared.storage.local.folder.LocalFolder.receive", received)
    assert error_of(submit(client, MINUTE_OF_WAV, "3.wav"))["code"] == "queue_full"
    assert (len(stored_files(tmp_path)), factories.count(rows, Job)) == (2, 2)


def test_a_repeat_is_answered_while_the_queue_is_full(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    first = submit(client, MINUTE_OF_WAV, "1.wav", key="one").json
    submit(client, MINUTE_OF_WAV, "2.wav")
    assert error_of(submit(client, MINUTE_OF_WAV, "3.wav", key="three"))
    again = submit(client, MINUTE_OF_WAV, "1.wav", key="one")
    assert again.status_code == 202
    assert first and again.json and again.json["id"] == first["id"]
    assert len(stored_files(tmp_path)) == 2
    # Refused, it left no trace: the same key is taken once there is room.
    factories.claim(rows)
    assert submit(client, MINUTE_OF_WAV, "3.wav", key="three").status_code == 202


def post_form(client: FlaskClient, *names: str) -> Any:
    files = [(io.BytesIO(MINUTE_OF_WAV), name) for name in names]
    return client.post("/", data={"file": files}, follow_redirects=True)


def test_the_form_tells_which_files_were_not_taken(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    page = post_form(client, "1.wav", "2.wav", "3.wav")
    assert page.status_code == 200
    assert "“2.wav” is in the queue" in page.text
    assert "“3.wav” was not taken" in page.text
    assert (len(stored_files(tmp_path)), factories.count(rows, Job)) == (2, 2)
    refused = post_form(client, "4.wav")
    assert refused.status_code == 503
    assert "hours of audio wait" in refused.text
    assert "Retry-After" in refused.headers
    assert len(stored_files(tmp_path)) == 2


def test_a_queue_that_nobody_serves_says_so(client: FlaskClient, rows: Database) -> None:
    job = submit(client, b"x", "1.wav").json
    assert job and job["workers_alive"] == 0
    assert client.get("/api/v1/jobs").json["workers_alive"] == 0  # type: ignore[index]
    assert "No worker is running" in client.get("/").text
    assert "No worker is running" in client.get(f"/jobs/{job['id']}").text

    factories.a_worker(rows)
    assert client.get("/api/v1/jobs").json["workers_alive"] == 1  # type: ignore[index]
    assert client.get(job["links"]["self"]).json["workers_alive"] == 1  # type: ignore[index]
    assert "No worker is running" not in client.get("/").text
    assert "No worker is running" not in client.get(f"/jobs/{job['id']}").text
    ready = client.get("/readyz").json
    assert ready and ready["worker_last_seen_at"] == ready["workers"][0]["seen_at"]


@pytest.mark.parametrize("by", ["form", "upload"])
def test_a_small_file_that_lasts_for_hours_is_expected_to(
    client: FlaskClient, rows: Database, by: str
) -> None:
    factories.learn(rows, speed=10, filename="a.flac")
    factories.a_worker(rows)
    if by == "form":
        response = submit(client, SILENT_HOURS, "silence.flac")
    else:
        response = uploading.submit(
            client, uploading.uploaded(client, SILENT_HOURS, "silence.flac")
        )
    assert response.status_code == 202
    job = client.get(response.json["links"]["self"]).json  # type: ignore[index]
    assert job and job["eta_seconds"] == pytest.approx(11 * 360)


def test_hours_of_silence_in_a_small_file_do_not_fit_beside_what_waits(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    assert submit(client, MINUTE_OF_WAV, "1.wav").status_code == 202
    before = stored_files(tmp_path)
    assert error_of(submit(client, SILENT_HOURS, "silence.flac"))["code"] == "queue_full"
    assert stored_files(tmp_path) == before


def test_a_waiting_job_tells_when_it_will_be_done(client: FlaskClient, rows: Database) -> None:
    factories.learn(rows, speed=1, audio_s=600)
    factories.a_worker(rows)
    job_id = factories.submit_lasting(rows, 720)
    job = client.get(f"/api/v1/jobs/{job_id}").json
    assert job and job["status"] == JobStatus.QUEUED
    assert job["eta_seconds"] == pytest.approx(720)
    assert "done in about 12 min" in client.get("/").text
    assert "done in about 12 min" in client.get(f"/jobs/{job_id}").text
