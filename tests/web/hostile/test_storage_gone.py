"""A web server whose storage is not mounted takes no recording, and says so."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared import jobs
from shared.models import Recording
from shared.states import JobStatus
from shared.transcripts.values import DECODED_BYTES_A_SECOND
from tests.support import factories
from tests.support.web.tus_client import BYTES, VERSION
from tests.support.web.web_app import database, make_app, submit


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def bare(client: FlaskClient, tmp_path: Path) -> Iterator[Path]:
    """The folder of the recordings once their mount is gone."""
    assert client.get("/readyz").status_code == 200
    folder = tmp_path / "data" / "recordings"
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def test_a_share_is_told_when_the_storage_can_be_asked(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(path: object) -> None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr("shared.storage.measured_space.shutil.disk_usage", unreachable)
    answer = client.get("/api/v1/me")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["error"]["code"] == "storage_unavailable"
    assert client.get("/fragments/share").status_code == 200
    begun = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "9"})
    for refused in (begun, submit(client)):
        assert refused.status_code == 503, refused.text


def test_it_refuses_files_and_deletions_and_is_not_ready(
    app: Flask, client: FlaskClient, bare: Path
) -> None:
    job_id = factories.a_job(database(app), JobStatus.COMPLETED)
    refused = submit(client)
    begun = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "9"})
    deleted = client.delete(f"/api/v1/jobs/{job_id}")
    audio = client.get(f"/api/v1/jobs/{job_id}/audio")
    for answer in (refused, begun, deleted, audio):
        assert answer.status_code == 503, answer.text
        assert answer.json is not None
        assert answer.json["error"]["code"] == "storage_unavailable"
        assert "Retry-After" in answer.headers
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None and ready.json["checks"]["recordings"] == "missing"
    assert "has to be mounted again" in client.get("/").text
    assert client.get(f"/api/v1/jobs/{job_id}").status_code == 200


def test_an_upload_goes_on_once_the_storage_is_back(client: FlaskClient, tmp_path: Path) -> None:
    begun = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "9"})
    address = begun.headers["Location"]
    folder = tmp_path / "data" / "recordings"
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    offset = {**BYTES, "Upload-Offset": "0"}
    assert client.patch(address, data=b"123456789", headers=offset).status_code == 503
    folder.rmdir()
    folder.with_name("away").rename(folder)
    assert client.patch(address, data=b"123456789", headers=offset).status_code == 204


def worker(app: Flask, *obstacles: str, room: int | None = None) -> None:
    jobs.note_worker(
        database(app),
        jobs.WorkerReport(
            name="h:1",
            hostname="h",
            model="demo",
            device="cpu",
            started_at=datetime.now(UTC),
            obstacles=obstacles,
            work_room_bytes=room,
            work_disk_bytes=room,
        ),
    )


def test_what_keeps_all_workers_from_work_is_told_where_jobs_wait(
    app: Flask, client: FlaskClient
) -> None:
    job_id = factories.submit(database(app))
    worker(app, "storage_missing")
    for page in ("/", f"/jobs/{job_id}"):
        assert "does not see the storage of the recordings" in client.get(page).text
    ready = client.get("/readyz")
    assert ready.json is not None
    assert ready.json["workers"][0]["obstacles"] == ["storage_missing"]
    metric = 'longscribe_workers_kept_from_work{obstacle="storage_missing"} 1.0'
    assert metric in client.get("/metrics").text
    worker(app)
    assert "does not see the storage" not in client.get("/").text


def test_a_job_that_waits_for_room_says_so(app: Flask, client: FlaskClient) -> None:
    db = database(app)
    job_id = factories.submit(db)
    with db.writing() as session:
        session.execute(update(Recording).values(estimated_s=3600))
    worker(app, room=100 * DECODED_BYTES_A_SECOND)
    assert "Waits for space: this recording takes 110 MB" in client.get(f"/jobs/{job_id}").text
    worker(app, room=4000 * DECODED_BYTES_A_SECOND)
    assert "Waits for space" not in client.get(f"/jobs/{job_id}").text
