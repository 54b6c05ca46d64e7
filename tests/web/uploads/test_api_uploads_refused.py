"""Uploads in pieces: what is refused, and that nothing is lost by it, on both databases."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import factories
from tests.support.web.uploading import (
    SOUND,
    VERSION,
    append,
    begun,
    checksum,
    code_of,
    create,
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


def test_a_piece_that_is_shorter_than_it_says_is_kept_and_told(client: FlaskClient) -> None:
    address = begun(client)
    answer = client.patch(
        address,
        input_stream=io.BytesIO(SOUND[:400]),
        headers=VERSION | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        environ_overrides={"CONTENT_LENGTH": "500"},
    )
    assert code_of(answer, 400) == "incomplete_body"
    assert offset_of(client, address) == 400


@pytest.mark.parametrize(
    ("headers", "param"),
    [
        ({}, "Upload-Length"),
        ({"Upload-Length": "many"}, "Upload-Length"),
        ({"Upload-Length": "-1"}, "Upload-Length"),
        ({"Upload-Length": "0"}, "Upload-Length"),
        ({"Upload-Length": "5", "Upload-Concat": "partial"}, "Upload-Concat"),
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


def test_bytes_of_the_general_type_are_taken(client: FlaskClient) -> None:
    """Generators of clients know it, and not the protocol's own."""
    address = begun(client)
    response = append(client, address, 0, SOUND[:600], Content_Type="application/octet-stream")
    assert response.status_code == 204
    assert offset_of(client, address) == 600


def test_of_two_that_write_one_is_refused(app: Flask, client: FlaskClient) -> None:
    address = begun(client)
    with app.extensions["longscribe"].blobs.hold_upload(address.rsplit("/", 1)[-1]):
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
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "tracks": true}', "tracks"),
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "speakers": true}', "speakers"),
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "speakers": null}', "speakers"),
        (
            b'{"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"a": "%s"}}'
            % (b"x" * 17_000),
            "metadata",
        ),
        (
            b'{"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"a": "\\ud800"}}',
            "metadata",
        ),
        (
            b'{"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"a": "\\u0000"}}',
            "metadata",
        ),
        (b'{"upload_id": "01930000-0000-7000-8000-000000000000", "metadata": {"a": 1e400}}', None),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", None),
        (b'{"\\ud800": 1}', None),
        (b'{"priority": ' + b"9" * 5000 + b"}", None),
        ('{"upload_id": "会议"}'.encode("gb18030"), None),
    ],
)
def test_a_submission_that_is_not_well_formed_names_its_field(
    client: FlaskClient, body: bytes, param: str | None
) -> None:
    response = client.post("/api/v1/jobs", data=body, content_type="application/json")
    assert code_of(response, 400) == "invalid_request"
    assert response.json and response.json["error"]["param"] == param


def test_a_body_of_json_is_not_read_without_end(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs", data=b" " * 3_000_000, content_type="application/json")
    assert response.status_code == 413


def test_a_page_of_another_site_cannot_upload(client: FlaskClient) -> None:
    address = begun(client)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert append(client, address, 0, SOUND, Sec_Fetch_Site="cross-site").status_code == 403
    assert client.delete(address, headers=VERSION | foreign).status_code == 403
    assert offset_of(client, address) == 0
