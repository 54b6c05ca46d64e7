"""Uploads in pieces: what the tus protocol promises a client, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shared import jobs
from shared.db import Database, database_now
from shared.models import Job, Recording, Upload
from tests.support import factories
from tests.support.web.uploading import (
    SOUND,
    VERSION,
    append,
    begun,
    checksum,
    code_of,
    expire,
    offset_of,
    submit,
    uploaded,
)
from tests.support.web.web_app import database, make_app, stored_files


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, max_upload_bytes=200_000)
    yield made
    database(made).dispose()


def test_the_server_tells_what_it_can_do(client: FlaskClient) -> None:
    response = client.options("/api/v1/uploads")
    assert response.status_code == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert set(response.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
    }
    assert response.headers["Tus-Max-Size"] == "200000"
    assert {"sha1", "sha256"} <= set(response.headers["Tus-Checksum-Algorithm"].split(","))


def test_pieces_become_the_recording_of_a_job(client: FlaskClient, rows: Database) -> None:
    address = begun(client)
    assert offset_of(client, address) == 0
    first = append(client, address, 0, SOUND[:300])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "300")
    assert "Upload-Expires" in first.headers
    assert first.headers["Tus-Resumable"] == "1.0.0"
    assert append(client, address, 300, SOUND[300:]).headers["Upload-Offset"] == "1000"

    head = client.head(address, headers=VERSION)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("1000", "1000")
    assert head.headers["Cache-Control"] == "no-store"
    assert "filename" in head.headers["Upload-Metadata"]

    response = submit(
        client, address, priority=3, metadata={"room": "3A"}, tracks=2, channels="each"
    )
    assert response.status_code == 202
    job = response.json
    assert job and response.headers["Location"].endswith(job["id"])
    assert (job["filename"], job["priority"], job["metadata"]) == ("周会.m4a", 3, {"room": "3A"})
    assert (job["tracks"], job["channels"]) == (2, "each")
    with rows.reading() as session:
        recording = session.scalars(select(Recording)).one()
    assert recording.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert recording.size_bytes == len(SOUND)


@pytest.mark.parametrize("sent", [3, "3"])
def test_a_number_of_speakers_is_sent_as_a_number_or_as_text(
    client: FlaskClient, sent: object
) -> None:
    job = submit(client, uploaded(client), speakers=sent).json
    assert job and job["speakers"] == "3"


def test_the_recording_stands_where_recordings_do_and_nothing_beside_it(
    client: FlaskClient, tmp_path: Path
) -> None:
    address = uploaded(client)
    submit(client, address)
    [file] = stored_files(tmp_path)
    assert file.name == address.rsplit("/", 1)[-1]
    assert file.parent.name == file.name[-2:]
    assert file.read_bytes() == SOUND


@pytest.mark.parametrize("known", ["here", "nowhere", "in part"])
def test_a_recording_has_its_hash_whether_or_not_this_process_saw_all_of_it(
    app: Flask, client: FlaskClient, rows: Database, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:300])
    kept = app.extensions["longscribe"].hashes._kept
    if known == "in part":
        kept.clear()  # another process, or one that has just been started
    append(client, address, 300, b"?" * 10, Upload_Checksum=checksum("sha1", b"other"))
    append(client, address, 300, SOUND * 2)  # more than was announced
    append(client, address, 300, SOUND[300:700])
    append(client, address, 700, SOUND[700:])
    if known == "nowhere":
        kept.clear()
    read: list[int] = []
    file_digest = hashlib.file_digest

    def counted(*given: Any) -> Any:
        read.append(1)
        return file_digest(*given)

    monkeypatch.setattr("shared.storage.local.partial_upload.hashlib.file_digest", counted)
    assert submit(client, address).status_code == 202
    with rows.reading() as session:
        assert session.scalars(select(Recording.sha256)).all() == [
            hashlib.sha256(SOUND).hexdigest()
        ]
    assert kept == {}
    # What was refused in between made the hash of its bytes worthless.
    assert len(read) == 1


def test_a_recording_that_this_process_saw_from_its_beginning_is_not_read_again(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(client)
    for at in range(0, len(SOUND), 100):
        append(client, address, at, SOUND[at : at + 100])

    def read(*given: Any) -> Any:
        raise AssertionError("the recording was read")

    monkeypatch.setattr("shared.storage.local.partial_upload.hashlib.file_digest", read)
    assert submit(client, address).status_code == 202
    with rows.reading() as session:
        assert session.scalars(select(Recording.sha256)).one() == hashlib.sha256(SOUND).hexdigest()


def test_an_upload_becomes_one_job_however_often_it_is_submitted(
    client: FlaskClient, rows: Database
) -> None:
    address = uploaded(client)
    first = submit(client, address)
    again = submit(client, address, priority=5)
    assert first.json and again.json and again.status_code == 202
    assert again.json["id"] == first.json["id"]
    assert factories.count(rows, Job) == 1
    # Also when its row went, as it does some time after.
    assert client.delete(address, headers=VERSION).status_code == 204
    assert submit(client, address).json["id"] == first.json["id"]  # type: ignore[index]


def test_a_submission_that_stopped_before_its_row_is_finished_by_the_next(
    client: FlaskClient, rows: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = uploaded(client)

    def broken(*args: object, **values: object) -> None:
        raise RuntimeError("the process died here")

    with monkeypatch.context() as dying:
        dying.setattr(jobs, "submit", broken)
        assert submit(client, address).status_code == 500
    assert offset_of(client, address) == len(SOUND)
    assert submit(client, address).status_code == 202
    assert factories.count(rows, Job) == 1
    assert [file.read_bytes() for file in stored_files(tmp_path)] == [SOUND]


def test_a_key_that_made_a_job_of_the_same_bytes_answers_it_and_keeps_no_second_copy(
    client: FlaskClient, tmp_path: Path
) -> None:
    ids = []
    for _ in range(2):
        address = uploaded(client)
        response = client.post(
            "/api/v1/jobs",
            json={"upload_id": address.rsplit("/", 1)[-1]},
            headers={"Idempotency-Key": "one"},
        )
        assert response.status_code == 202 and response.json
        ids.append(response.json["id"])
    assert ids[0] == ids[1]
    assert len(stored_files(tmp_path)) == 1


def test_a_job_that_was_deleted_leaves_an_upload_that_can_make_none(
    client: FlaskClient, tmp_path: Path
) -> None:
    address = uploaded(client)
    job = submit(client, address).headers["Location"]
    assert client.delete(job).status_code == 204
    assert stored_files(tmp_path) == []
    assert code_of(submit(client, address), 410) == "upload_expired"


def test_an_unfinished_upload_becomes_no_job(client: FlaskClient, rows: Database) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:400])
    response = submit(client, address)
    assert code_of(response, 409) == "upload_incomplete"
    assert "400 of 1,000 bytes" in response.text
    assert factories.count(rows, Job) == 0


def test_a_deleted_upload_is_gone_with_its_bytes(client: FlaskClient, tmp_path: Path) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:400])
    assert client.delete(address, headers=VERSION).status_code == 204
    assert stored_files(tmp_path) == []
    assert client.head(address, headers=VERSION).status_code == 404
    assert code_of(append(client, address, 400, SOUND[400:]), 404) == "not_found"
    assert code_of(submit(client, address), 404) == "not_found"


def test_an_expired_upload_is_gone(client: FlaskClient, rows: Database) -> None:
    address = uploaded(client)
    expire(rows)
    assert client.head(address, headers=VERSION).status_code == 410
    assert code_of(append(client, address, 0, b"x"), 410) == "upload_expired"
    assert code_of(submit(client, address), 410) == "upload_expired"


def test_each_piece_puts_the_end_off(client: FlaskClient, rows: Database) -> None:
    address = begun(client)
    with rows.writing() as session:
        session.execute(update(Upload).values(expires_at=database_now(5)))
    append(client, address, 0, SOUND[:10])
    with rows.reading() as session:
        left = session.scalars(select(Upload.id).where(Upload.expires_at > database_now(3600)))
        assert len(left.all()) == 1


def test_anothers_upload_is_not_found(client: FlaskClient, rows: Database) -> None:
    address = uploaded(client)
    with rows.writing() as session:
        session.execute(update(Upload).values(owner_id="another"))
    assert client.head(address, headers=VERSION).status_code == 404
    assert code_of(append(client, address, 0, b"x"), 404) == "not_found"
    assert code_of(client.delete(address, headers=VERSION), 404) == "not_found"
    assert code_of(submit(client, address), 404) == "not_found"


def test_a_client_without_patch_says_what_it_means(client: FlaskClient) -> None:
    address = begun(client)
    response = client.post(
        address,
        data=SOUND,
        headers=VERSION
        | {
            "X-HTTP-Method-Override": "PATCH",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert response.status_code == 204
    assert offset_of(client, address) == len(SOUND)
