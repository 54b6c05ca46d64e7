"""A whole job on a storage that has no folder: submission, recognition, playing, deletion."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from shared.storage.identity import adopt_storage
from shared.storage.measured_space import WorkSpace
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from tests.support.web import uploading
from tests.support.web.web_app import database, make_app, stored_files, submit


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path, store: MemoryStore) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    services = made.extensions["longscribe"]
    made.extensions["longscribe"] = dataclasses.replace(services, blobs=store)
    adopt_storage(services.db, store)
    yield made
    database(made).dispose()


@pytest.fixture
def worker(app: Flask, tmp_path: Path, store: MemoryStore) -> Worker:
    made = Worker(database(app), tmp_path / "data")
    made.blobs = store  # type: ignore[assignment]
    return made


def test_a_job_from_submission_to_deletion(
    app: Flask, worker: Worker, store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, sound = app.test_client(), recording(4)
    made = submit(client, sound)
    assert made.status_code == 202, made.text
    [key] = store.kept

    worker.run(StubRecogniser(), monkeypatch)
    address = made.headers["Location"]
    assert client.get(address).json["status"] == "completed"  # type: ignore[index]
    assert client.get(f"{address}/transcript").text

    part = client.get(f"{address}/audio", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.data == sound[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(sound)}"
    whole = client.get(f"{address}/audio")
    assert whole.data == sound and whole.content_type == "audio/wav"

    assert client.delete(address).status_code == 204
    assert key not in store.kept and not store.kept
    assert stored_files(tmp_path) == []


def test_an_upload_in_pieces_becomes_a_job(
    app: Flask, worker: Worker, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, sound = app.test_client(), recording(2)
    address = uploading.begun(client, len(sound))
    half = len(sound) // 2
    for start, piece in ((0, sound[:half]), (half, sound[half:])):
        sent = uploading.append(client, address, start, piece)
        assert sent.status_code == 204, sent.text
    made = uploading.submit(client, address)
    assert made.status_code == 202, made.text
    assert not store.uploads
    worker.run(StubRecogniser(), monkeypatch)
    assert client.get(made.headers["Location"]).json["status"] == "completed"  # type: ignore[index]


def test_a_storage_that_is_full_refuses_and_lets_waiting_jobs_go_on(
    app: Flask, worker: Worker, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    waiting = submit(client, recording(2)).headers["Location"]
    store.capacity_bytes = 0
    assert submit(client, recording(2)).status_code == 507
    assert client.get("/readyz").json["disk"] == {  # type: ignore[index]
        "status": "full",
        "usable_bytes": 0,
    }
    assert "The disk of the recordings is full" in client.get("/").text
    worker.run(StubRecogniser(), monkeypatch)
    assert client.get(waiting).json["status"] == "completed"  # type: ignore[index]


def test_a_work_folder_that_is_full_takes_submissions_and_leaves_them_waiting(
    app: Flask, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = WorkSpace(worker.settings.work_dir, 2**62)
    services = app.extensions["longscribe"]
    app.extensions["longscribe"] = dataclasses.replace(services, work_space=full)
    worker.work_space = full
    client = app.test_client()
    made = submit(client, recording(2))
    assert made.status_code == 202
    assert "The workers' disk is full" in client.get("/").text
    worker.run(StubRecogniser(), monkeypatch)
    shown = client.get(made.headers["Location"]).json
    assert shown is not None and (shown["status"], shown["attempts"]) == ("queued", 0)
