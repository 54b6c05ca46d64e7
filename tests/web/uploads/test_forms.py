"""Forms of the pages: no token, no change."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def test_a_form_without_its_token_changes_nothing(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    job_id = factories.submit(database(app))
    response = client.post("/", data={"file": (io.BytesIO(b"sound"), "a.wav")})
    assert response.status_code == 400
    assert "too long" in response.text
    assert stored_files(tmp_path) == []
    for verb in ("cancel", "retry", "delete"):
        assert client.post(f"/jobs/{job_id}/{verb}").status_code == 400
    assert factories.status_of(database(app), job_id) is JobStatus.QUEUED


def test_several_files_become_several_jobs_and_an_empty_one_is_named(
    client: FlaskClient, tmp_path: Path
) -> None:
    contents = {"一.wav": b"one", "空.wav": b"", "2.wav": b"two"}
    files = [(io.BytesIO(content), name) for name, content in contents.items()]
    response = client.post(
        "/", data={"csrf_token": token(client), "file": files}, follow_redirects=True
    )
    assert response.text.count('class="job"') == 2
    assert "空.wav" in response.text
    assert len(stored_files(tmp_path)) == 2


def test_a_form_carries_the_choice_of_tracks(app: Flask, client: FlaskClient) -> None:
    form = {"csrf_token": token(client), "tracks": "each", "channels": "1"}
    client.post("/", data={**form, "file": (io.BytesIO(b"sound"), "a.wav")})
    assert factories.claim(database(app)).options == {"tracks": "each", "channels": 1}

    refused = client.post(
        "/", data={**form, "tracks": "none", "file": (io.BytesIO(b"sound"), "a.wav")}
    )
    assert refused.status_code == 400
    assert "a number from 1 to 64" in refused.text


def test_a_form_carries_the_number_of_speakers(app: Flask, client: FlaskClient) -> None:
    def send(**chosen: str) -> int:
        sound = io.BytesIO(b"sound"), "a.wav"
        data = {"csrf_token": token(client), "file": sound, **chosen}
        return client.post("/", data=data).status_code

    for chosen in ("off", "auto", "3"):
        assert send(speakers=chosen) == 303
    options = [factories.claim(database(app)).options for _ in range(3)]
    assert options == [{}, {"speakers": "auto"}, {"speakers": "3"}]
    assert send(speakers="31") == send(speakers="2", channels="each") == 400
    assert send(speakers="off", channels="each") == 303


def test_a_form_without_a_file_says_so(client: FlaskClient) -> None:
    response = client.post("/", data={"csrf_token": token(client), "file": (io.BytesIO(), "")})
    assert response.status_code == 400
    assert "Choose a recording" in response.text


def test_what_the_page_offered_too_late_is_explained(app: Flask, client: FlaskClient) -> None:
    job_id = factories.a_job(database(app), JobStatus.COMPLETED)
    response = client.post(
        f"/jobs/{job_id}/cancel", data={"csrf_token": token(client)}, follow_redirects=True
    )
    assert response.status_code == 200
    assert "nothing left to cancel" in response.text


def test_another_owners_job_has_no_page(app: Flask, client: FlaskClient) -> None:
    job_id = factories.submit(database(app), owner_id="somebody-else")
    form = {"csrf_token": token(client)}
    for path in (f"/jobs/{job_id}", f"/fragments/jobs/{job_id}", f"/jobs/{job_id}/delete"):
        assert client.get(path).status_code == 404
    for verb in ("cancel", "retry", "delete"):
        assert client.post(f"/jobs/{job_id}/{verb}", data=form).status_code == 404


def test_a_fragment_is_sent_again_only_when_it_changed(app: Flask, client: FlaskClient) -> None:
    job_id = factories.submit(database(app))
    for path in ("/fragments/jobs", f"/fragments/jobs/{job_id}"):
        first = client.get(path)
        seen = {"If-None-Match": first.headers["ETag"]}
        assert "Retry-After" in first.headers
        assert client.get(path, headers=seen).status_code == 304
    factories.claim(database(app))
    assert client.get(f"/fragments/jobs/{job_id}", headers=seen).status_code == 200
