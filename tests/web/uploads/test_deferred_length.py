"""Uploads whose length is told at their end, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shared.db import Database
from shared.models import Recording, Upload
from tests.support.web.uploading import SOUND, VERSION, append, begun, code_of, offset_of, submit
from tests.support.web.web_app import database, make_app, stored_files
from web.uploads import deferred_length

STEP_BYTES = 400
DEFERRED = VERSION | {"Upload-Defer-Length": "1"}


@pytest.fixture
def app(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(deferred_length, "_STEP_BYTES", STEP_BYTES)
    made = make_app(database_url, tmp_path, max_upload_bytes=2000)
    yield made
    database(made).dispose()


def begun_without_length(client: FlaskClient) -> str:
    response = client.post("/api/v1/uploads", headers=DEFERRED)
    assert response.status_code == 201, response.text
    return str(response.headers["Location"])


def reserved_bytes(rows: Database) -> int:
    with rows.reading() as session:
        return session.scalars(select(Upload.size_bytes)).one()


@pytest.mark.parametrize("last", ["with the last bytes", "after them"])
def test_bytes_are_taken_before_the_length_is_known_and_become_a_job_after(
    client: FlaskClient, rows: Database, last: str
) -> None:
    address = begun_without_length(client)
    head = client.head(address, headers=VERSION)
    assert head.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in head.headers
    assert append(client, address, 0, SOUND[:900]).headers["Upload-Offset"] == "900"
    refused = submit(client, address)
    assert code_of(refused, 409) == "upload_incomplete"
    assert "Upload-Length" in refused.text

    if last == "with the last bytes":
        assert append(client, address, 900, SOUND[900:], Upload_Length="1000").status_code == 204
    else:
        assert append(client, address, 900, SOUND[900:]).status_code == 204
        assert append(client, address, 1000, b"", Upload_Length="1000").status_code == 204
    head = client.head(address, headers=VERSION)
    assert (head.headers["Upload-Length"], head.headers["Upload-Offset"]) == ("1000", "1000")
    assert "Upload-Defer-Length" not in head.headers
    assert submit(client, address).status_code == 202
    with rows.reading() as session:
        assert session.scalars(select(Recording.sha256)).one() == hashlib.sha256(SOUND).hexdigest()


def test_room_is_reserved_in_steps_and_what_is_too_much_given_back(
    client: FlaskClient, rows: Database
) -> None:
    address = begun_without_length(client)
    assert reserved_bytes(rows) == STEP_BYTES
    append(client, address, 0, SOUND[:STEP_BYTES])
    assert reserved_bytes(rows) == STEP_BYTES
    append(client, address, STEP_BYTES, SOUND[STEP_BYTES:500])
    assert reserved_bytes(rows) == 2 * STEP_BYTES
    append(client, address, 500, b"", Upload_Length="500")
    assert reserved_bytes(rows) == 500


def test_bytes_for_which_there_is_no_room_are_refused_and_the_others_stay(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun_without_length(client)
    append(client, address, 0, SOUND[:300])
    blobs = app.extensions["longscribe"].blobs
    with monkeypatch.context() as full:
        full.setattr(blobs, "usable_bytes", lambda: 200)
        refused = append(client, address, 300, SOUND[300:500])
        assert code_of(refused, 507) == "insufficient_storage"
        # Within what it has reserved before.
        assert append(client, address, 300, SOUND[300:400]).status_code == 204
    assert offset_of(client, address) == 400
    assert append(client, address, 400, SOUND[400:500]).status_code == 204


def test_an_account_gets_no_more_than_its_share_by_leaving_the_length_open(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred_length, "_STEP_BYTES", STEP_BYTES)
    app = make_app(database_url, tmp_path, owner_stored_bytes=600)
    client = app.test_client()
    address = begun_without_length(client)
    assert append(client, address, 0, SOUND[:400]).status_code == 204
    assert code_of(append(client, address, 400, SOUND[400:700]), 413) == "storage_share_full"
    assert offset_of(client, address) == 400
    database(app).dispose()


def test_more_than_this_server_takes_is_refused_when_it_comes(
    client: FlaskClient, tmp_path: Path
) -> None:
    address = begun_without_length(client)
    assert append(client, address, 0, SOUND).status_code == 204
    assert code_of(append(client, address, 1000, SOUND + b"x"), 413) == "file_too_large"
    too_long = append(client, address, 1000, b"", Upload_Length="2001")
    assert code_of(too_long, 413) == "file_too_large"
    assert append(client, address, 1000, SOUND).status_code == 204
    assert [file.stat().st_size for file in stored_files(tmp_path)] == [2000]


@pytest.mark.parametrize("length", ["0", "299", "350", "many", "-1"])
def test_a_length_that_cannot_be_is_refused_and_stays_open(
    client: FlaskClient, length: str
) -> None:
    address = begun_without_length(client)
    append(client, address, 0, SOUND[:300])
    refused = append(client, address, 300, SOUND[300:400], Upload_Length=length)
    assert code_of(refused, 400) == "invalid_request"
    assert refused.json and refused.json["error"]["param"] == "Upload-Length"
    assert offset_of(client, address) == 300
    assert append(client, address, 300, SOUND[300:400], Upload_Length="400").status_code == 204


def test_a_length_that_was_told_does_not_change(client: FlaskClient) -> None:
    address = begun_without_length(client)
    append(client, address, 0, SOUND[:300], Upload_Length="500")
    assert append(client, address, 300, b"", Upload_Length="500").status_code == 204
    assert code_of(append(client, address, 300, b"", Upload_Length="600"), 400) == "invalid_request"
    assert code_of(append(client, address, 300, SOUND[:300]), 413) == "file_too_large"
    known_from_the_start = begun(client)
    assert append(client, known_from_the_start, 0, SOUND, Upload_Length="1000").status_code == 204


@pytest.mark.parametrize(
    "headers", [{"Upload-Defer-Length": "0"}, {"Upload-Defer-Length": "1", "Upload-Length": "5"}]
)
def test_a_beginning_is_deferred_by_a_1_alone(
    client: FlaskClient, tmp_path: Path, headers: dict[str, str]
) -> None:
    refused = client.post("/api/v1/uploads", headers=VERSION | headers)
    assert code_of(refused, 400) == "invalid_request"
    assert refused.json and refused.json["error"]["param"] == "Upload-Defer-Length"
    assert stored_files(tmp_path) == []
