"""Uploads in pieces: what the tus protocol promises a client, on both databases."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database, database_now
from shared.models import Job, Recording, Upload
from shared.partial import holding
from tests import factories
from tests.web_app import database, make_app, stored_files

VERSION = {"Tus-Resumable": "1.0.0"}
SOUND = b"".join(number.to_bytes(2, "big") for number in range(500))


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, max_upload_bytes=200_000)
    yield made
    database(made).dispose()


def create(client: FlaskClient, size: int = len(SOUND), name: str = "周会.m4a") -> TestResponse:
    encoded = base64.b64encode(name.encode()).decode()
    return client.post(
        "/api/v1/uploads",
        headers=VERSION
        | {"Upload-Length": str(size), "Upload-Metadata": f"filename {encoded},confidential"},
    )


def begun(client: FlaskClient, size: int = len(SOUND), name: str = "周会.m4a") -> str:
    response = create(client, size, name)
    assert response.status_code == 201, response.text
    return str(response.headers["Location"])


def append(
    client: FlaskClient, address: str, offset: int, data: bytes, **headers: str
) -> TestResponse:
    return client.patch(
        address,
        data=data,
        headers=VERSION
        | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def offset_of(client: FlaskClient, address: str) -> int:
    response = client.head(address, headers=VERSION)
    assert response.status_code == 200
    return int(response.headers["Upload-Offset"])


def submit(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    return client.post("/api/v1/jobs", json={"upload_id": address.rsplit("/", 1)[-1], **fields})


def uploaded(client: FlaskClient, data: bytes = SOUND, name: str = "周会.m4a") -> str:
    address = begun(client, len(data), name)
    assert append(client, address, 0, data).status_code == 204
    return address


def code_of(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.json is not None
    return str(response.json["error"]["code"])


def checksum(algorithm: str, data: bytes) -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


def expire(db: Database) -> None:
    with db.writing() as session:
        session.execute(update(Upload).values(expires_at=database_now(-1)))


# --- the protocol ------------------------------------------------------------------------------


def test_the_server_tells_what_it_can_do(client: FlaskClient) -> None:
    response = client.options("/api/v1/uploads")
    assert response.status_code == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert response.headers["Tus-Extension"] == "creation,termination,expiration,checksum"
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

    response = submit(client, address, priority=3, metadata={"room": "3A"})
    assert response.status_code == 202
    job = response.json
    assert job and response.headers["Location"].endswith(job["id"])
    assert (job["filename"], job["priority"], job["metadata"]) == ("周会.m4a", 3, {"room": "3A"})
    with rows.reading() as session:
        recording = session.scalars(select(Recording)).one()
    assert recording.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert recording.size_bytes == len(SOUND)


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

    monkeypatch.setattr("shared.partial.hashlib.file_digest", counted)
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

    monkeypatch.setattr("shared.partial.hashlib.file_digest", read)
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


# --- what is refused ---------------------------------------------------------------------------


def test_a_piece_that_does_not_begin_where_the_upload_stands_changes_nothing(
    client: FlaskClient,
) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:500])
    for offset in (0, 499, 501, 1000):
        response = append(client, address, offset, SOUND[offset:])
        assert code_of(response, 409) == "offset_mismatch"
        assert "stands at 500" in response.text
    assert offset_of(client, address) == 500
    append(client, address, 500, SOUND[500:])
    assert submit(client, address).status_code == 202


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_with_a_wrong_checksum_leaves_nothing_and_the_right_one_is_taken(
    client: FlaskClient, tmp_path: Path, algorithm: str
) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:300])
    wrong = append(
        client, address, 300, b"x" * 400, Upload_Checksum=checksum(algorithm, SOUND[300:700])
    )
    assert code_of(wrong, 460) == "checksum_mismatch"
    assert offset_of(client, address) == 300
    assert [file.stat().st_size for file in stored_files(tmp_path)] == [300]
    right = append(
        client, address, 300, SOUND[300:], Upload_Checksum=checksum(algorithm, SOUND[300:])
    )
    assert right.status_code == 204
    submit(client, address)
    assert [file.read_bytes() for file in stored_files(tmp_path)] == [SOUND]


@pytest.mark.parametrize("header", ["md5 AAAA", "sha1", "sha1 !!!", "sha1 AAAA", ""])
def test_a_checksum_that_cannot_be_checked_is_refused(client: FlaskClient, header: str) -> None:
    address = begun(client)
    response = append(client, address, 0, SOUND, Upload_Checksum=header)
    assert code_of(response, 400) == "invalid_request"
    assert offset_of(client, address) == 0


@pytest.mark.parametrize("version", ["0.2.2", "2.0.0", None])
def test_another_version_of_the_protocol_is_refused(
    client: FlaskClient, version: str | None
) -> None:
    address = begun(client)
    headers = {"Tus-Resumable": version} if version else {}
    for response in (
        client.post("/api/v1/uploads", headers=headers | {"Upload-Length": "5"}),
        client.head(address, headers=headers),
        client.patch(address, data=SOUND, headers=headers | {"Upload-Offset": "0"}),
        client.delete(address, headers=headers),
    ):
        assert response.status_code == 412
        assert response.headers["Tus-Version"] == "1.0.0"
    assert offset_of(client, address) == 0


@pytest.mark.parametrize(
    ("headers", "param"),
    [
        ({}, "Upload-Length"),
        ({"Upload-Length": "many"}, "Upload-Length"),
        ({"Upload-Length": "-1"}, "Upload-Length"),
        ({"Upload-Length": "0"}, "Upload-Length"),
        ({"Upload-Defer-Length": "1"}, "Upload-Defer-Length"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ???"}, "Upload-Metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "a YQ==,a YQ=="}, "Upload-Metadata"),
    ],
)
def test_a_beginning_that_is_not_well_formed_names_its_header(
    client: FlaskClient, tmp_path: Path, headers: dict[str, str], param: str
) -> None:
    response = client.post("/api/v1/uploads", headers=VERSION | headers)
    assert code_of(response, 400) == "invalid_request"
    assert response.json and response.json["error"]["param"] == param
    assert stored_files(tmp_path) == []


def test_more_than_this_server_takes_is_refused_at_the_beginning(
    client: FlaskClient, tmp_path: Path
) -> None:
    assert code_of(create(client, 200_001), 413) == "file_too_large"
    assert stored_files(tmp_path) == []
    assert create(client, 200_000).status_code == 201


def test_more_than_was_announced_is_refused(client: FlaskClient) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:600])
    assert code_of(append(client, address, 600, SOUND), 413) == "file_too_large"
    assert offset_of(client, address) == 600


def test_bytes_of_another_type_are_refused(client: FlaskClient) -> None:
    address = begun(client)
    response = append(client, address, 0, SOUND, Content_Type="audio/wav")
    assert code_of(response, 415) == "unsupported_media_type"
    assert "application/offset+octet-stream" in response.text
    assert offset_of(client, address) == 0


def test_of_two_that_write_one_is_refused(app: Flask, client: FlaskClient) -> None:
    address = begun(client)
    with holding(app.extensions["longscribe"].blobs, address.rsplit("/", 1)[-1]):
        assert code_of(append(client, address, 0, SOUND), 423) == "upload_busy"
        assert code_of(client.delete(address, headers=VERSION), 423) == "upload_busy"
    assert append(client, address, 0, SOUND).status_code == 204


def test_a_full_disk_is_told_at_the_beginning_and_at_each_piece(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(client)
    append(client, address, 0, SOUND[:300])
    with monkeypatch.context() as full:
        full.setattr(app.extensions["longscribe"].blobs, "_min_free_bytes", 2**62)
        assert code_of(create(client), 507) == "insufficient_storage"
        assert code_of(append(client, address, 300, SOUND[300:]), 507) == "insufficient_storage"
    assert offset_of(client, address) == 300
    assert len(stored_files(tmp_path)) == 1
    assert append(client, address, 300, SOUND[300:]).status_code == 204


def test_a_full_queue_is_told_before_the_bytes_are_sent_and_keeps_what_was(
    database_url: str, tmp_path: Path
) -> None:
    app = make_app(database_url, tmp_path, max_queued_hours=1 / 60)
    client, db = app.test_client(), database(app)
    address = uploaded(client, name="a.wav")
    factories.submit_lasting(db, 60)
    refused = create(client, 10**6, "b.wav")
    assert code_of(refused, 503) == "queue_full"
    assert "Retry-After" in refused.headers
    assert code_of(submit(client, address), 503) == "queue_full"
    factories.claim(db)
    assert submit(client, address).status_code == 202
    db.dispose()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"upload_id": NaN}', None),
        (b"{}", "upload_id"),
        (b'{"upload_id": "../../etc"}', "upload_id"),
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "file": 1}', "file"),
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "priority": 99}', "priority"),
        (
            b'{"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"a": "%s"}}'
            % (b"x" * 17_000),
            "metadata",
        ),
    ],
)
def test_a_submission_that_is_not_well_formed_names_its_field(
    client: FlaskClient, body: bytes, param: str | None
) -> None:
    response = client.post("/api/v1/jobs", data=body, content_type="application/json")
    assert code_of(response, 400) == "invalid_request"
    assert response.json and response.json["error"]["param"] == param


def test_a_body_of_json_is_not_read_without_end(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs", data=b" " * 300_000, content_type="application/json")
    assert response.status_code == 413


def test_a_page_of_another_site_cannot_upload(client: FlaskClient) -> None:
    address = begun(client)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert append(client, address, 0, SOUND, Sec_Fetch_Site="cross-site").status_code == 403
    assert client.delete(address, headers=VERSION | foreign).status_code == 403
    assert offset_of(client, address) == 0
