"""A bucket whose server is away for a while: what is refused, and that nothing is lost."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pytest
from flask import Flask

from shared.states import JobStatus
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from tests.support.web.tus_client import BYTES
from tests.support.web.uploading import append, begun, offset_of
from tests.support.web.web_app import database, make_app, submit

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server


PART_BYTES = 8 * 2**20


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path, s3_server: S3Server, bucket: str) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path, **s3_server.settings(bucket))
    yield made
    database(made).dispose()


@pytest.fixture
def worker(app: Flask, tmp_path: Path) -> Worker:
    made = Worker(database(app), tmp_path / "data")
    made.blobs = app.extensions["longscribe"].blobs
    return made


@pytest.fixture
def away(s3_server: S3Server) -> Iterator[S3Server]:
    """For tests that stop it."""
    yield s3_server
    s3_server.start()


class BreaksOff:
    """A body in whose middle the bucket's server stops."""

    def __init__(self, content: bytes, server: S3Server) -> None:
        self._file = io.BytesIO(content)
        self._half = len(content) // 2
        self._server = server

    def read(self, size: int = -1) -> bytes:
        if self._file.tell() >= self._half:
            self._server.stop()
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, to: int, whence: int = 0) -> int:
        return self._file.seek(to, whence)

    def close(self) -> None:
        self._file.close()


def test_an_outage_in_mid_upload_loses_nothing_that_was_told(
    app: Flask, worker: Worker, away: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, sound = app.test_client(), recording(10)
    sound += bytes(2 * PART_BYTES + 77 - len(sound))
    address = begun(client, len(sound))
    first = PART_BYTES + 1000
    sent = append(client, address, 0, sound[:first])
    assert sent.status_code == 204, sent.text

    rest = BreaksOff(sound[first:], away)
    refused = client.patch(
        address,
        input_stream=cast(IO[bytes], rest),
        content_length=len(sound) - first,
        headers={**BYTES, "Upload-Offset": str(first)},
    )
    assert refused.status_code == 503, refused.text
    assert refused.json["error"]["code"] == "storage_unavailable"  # type: ignore[index]
    assert int(refused.headers["Retry-After"]) > 0
    assert offset_of(client, address) == first
    again = append(client, address, first, b"more")
    assert again.status_code == 503 and "Retry-After" in again.headers

    away.start()
    app.extensions["longscribe"].blobs._identity.forget()
    sent = append(client, address, first, sound[first:])
    assert sent.status_code == 204, sent.text
    made = client.post("/api/v1/jobs", json={"upload_id": address.rsplit("/", 1)[-1]})
    assert made.status_code == 202, made.text
    told = client.get(made.headers["Location"]).json
    assert told is not None
    whole = client.get(f"{made.headers['Location']}/audio?download=1")
    assert hashlib.sha256(whole.data).digest() == hashlib.sha256(sound).digest()
    worker.run(StubRecogniser(), monkeypatch)
    assert client.get(made.headers["Location"]).json["status"] == "completed"  # type: ignore[index]
    names = [found["Key"] for found in away.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert not [name for name in names if "/uploads/" in name]


def test_an_outage_is_told_and_pages_are_shown_without_the_sound(
    app: Flask, worker: Worker, away: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    done = submit(client, recording(2)).headers["Location"]
    worker.run(StubRecogniser(), monkeypatch)
    away.stop()
    app.extensions["longscribe"].blobs._identity.forget()
    assert submit(client, recording(2)).status_code == 503
    assert client.get(f"{done}/audio").status_code == 503
    assert client.delete(done).status_code == 503
    page = client.get(done.replace("/api/v1", ""))
    assert page.status_code == 200 and "<audio" not in page.text
    assert client.get("/").status_code == 200
    told = client.get("/readyz")
    assert told.status_code == 503
    assert told.json["checks"]["recordings"] == "unreachable"  # type: ignore[index]


def test_a_job_in_an_outage_is_given_back_uncounted(
    app: Flask, worker: Worker, away: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    address = submit(client, recording(4)).headers["Location"]
    job_id = address.rsplit("/", 1)[-1]

    class Stops(StubRecogniser):
        def recognise(self, *args: object) -> object:  # type: ignore[override]
            if running.pop():
                away.stop()
                worker.blobs._identity.forget()  # type: ignore[attr-defined]
            return super().recognise(*args)  # type: ignore[arg-type]

    running = [False] * 100 + [True]
    worker.run(Stops(), monkeypatch)
    job = worker.job(job_id).job
    assert job.status == JobStatus.QUEUED
    [given_back] = job.attempts
    assert (given_back.outcome, given_back.error_code) == ("released", "storage_unavailable")

    away.start()
    worker.blobs._identity.forget()  # type: ignore[attr-defined]
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.job(job_id).job.status == JobStatus.COMPLETED


def test_a_recording_that_does_not_fit_into_the_work_folder_waits(
    app: Flask, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    address = submit(client, recording(4)).headers["Location"]
    blobs = app.extensions["longscribe"].blobs
    asked: list[int] = []

    def too_little(size: int) -> None:
        asked.append(size)
        raise TimeoutError

    key = worker.job(address.rsplit("/", 1)[-1]).job.recording.blob_key
    with pytest.raises(TimeoutError), blobs.local_copy(key, require_room=too_little):
        pass
    assert asked == [len(recording(4))]
    with pytest.raises(OSError, match="not the bytes"), blobs.local_copy(key, sha256="0" * 64):
        pass
    assert list((worker.settings.work_dir).glob("*")) == []
