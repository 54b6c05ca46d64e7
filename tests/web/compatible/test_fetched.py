"""Recordings elsewhere, as clients of other services name them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared.db import Database
from shared.fetches import requests
from shared.models import LOCAL_OWNER, Fetch
from tests.support.web.web_app import make_app

URL = "https://example.org/meeting.mp3"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path, url_input="on")


def end(rows: Database, state: str) -> None:
    with rows.writing() as session:
        values = {"state": state, "error_code": "fetch_refused", "error_message": "404"}
        session.execute(update(Fetch).values(values))


def test_an_audio_url_of_assemblyais_client_is_fetched(client: FlaskClient, rows: Database) -> None:
    asked = {"audio_url": URL, "speaker_labels": True}
    shown = client.post("/v2/transcript", json=asked).json
    assert (shown["status"], shown["audio_url"], shown["text"]) == ("queued", URL, None)
    own = f"/v2/transcript/{shown['id']}"
    assert client.get(own).json == shown
    fetch = requests.get(rows, owner_id=LOCAL_OWNER, fetch_id=shown["id"])
    assert (fetch.url, fetch.filename) == (URL, "meeting.mp3")
    end(rows, "failed")
    failed = client.get(own).json
    assert (failed["status"], failed["error"]) == ("error", "404 (fetch_refused)")
    refused = client.post("/v2/transcript", json={"audio_url": "https://10.0.0.1/a"})
    assert (refused.status_code, refused.json["code"]) == (422, "address_refused")


def test_the_file_urls_of_dashscopes_client_are_fetched(
    client: FlaskClient, rows: Database
) -> None:
    begun = client.post(
        "/api/v1/services/audio/asr/transcription",
        json={"model": "paraformer-v2", "input": {"file_urls": [URL]}},
        headers={"X-DashScope-Async": "enable"},
    ).json["output"]
    assert begun["task_status"] == "PENDING"
    own = f"/api/v1/tasks/{begun['task_id']}"
    assert client.get(own).json["output"]["task_status"] == "PENDING"
    assert client.post(f"{own}/cancel").status_code == 200
    assert client.get(own).json["output"]["task_status"] == "CANCELED"
    end(rows, "failed")
    failed = client.get(own).json["output"]
    assert (failed["task_status"], failed["code"]) == ("FAILED", "fetch_refused")
    assert failed["results"][0]["file_url"] == URL


def test_the_page_asks_for_a_recording_and_shows_how_far_it_is(
    client: FlaskClient, app: Flask, rows: Database
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert "/fetches" in client.get("/").text
    refused = client.post("/fetches", data={"url": "https://127.0.0.1/a"})
    assert refused.status_code == 422 and "private network" in refused.text
    assert client.post("/fetches", data={"url": URL, "speakers": "auto"}).status_code == 303
    shown = client.get("/fragments/fetches")
    assert "waits to be fetched" in shown.text and shown.headers["Retry-After"] == "2"
    with rows.writing() as session:
        session.execute(update(Fetch).values(received_bytes=10, size_bytes=40))
    assert '<progress max="40" value="10"' in client.get("/fetches").text
    (fetch,) = requests.fetches_of(rows, LOCAL_OWNER)
    assert client.post(f"/fetches/{fetch.id}/cancel").status_code == 303
    assert "Retry-After" not in client.get("/fragments/fetches").headers
