"""What people read whose uploads are more than their share of the disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import Reservation, Upload
from tests.support import factories
from tests.support.people import program_among_others
from tests.support.web import uploading
from tests.support.web.web_app import database, make_app, stored_files, submit

GB = 2**30


@pytest.fixture
def app(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    made = make_app(
        database_url, tmp_path, sign_in="required", max_upload_bytes=100 * GB, owner_open_uploads=3
    )
    monkeypatch.setattr(
        "shared.storage.measured_space.shutil.disk_usage", lambda _: SimpleNamespace(free=40 * GB)
    )
    yield made
    database(made).dispose()


@pytest.fixture
def client(app: Flask, rows: Database) -> FlaskClient:
    return program_among_others(app, rows)


def test_nobody_announces_more_than_the_disk_holds(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    assert uploading.code_of(uploading.create(client, 41 * GB), 507) == "insufficient_storage"
    refused = uploading.create(client, 21 * GB)
    assert uploading.code_of(refused, 413) == "storage_share_full"
    assert refused.json and refused.json["error"]["message"] == (
        "Your recordings take 0 MB, this one needs 21 GB more, and 20 GB of the server's disk may "
        "be yours now. Delete recordings that you no longer need."
    )
    address = uploading.begun(client, 20 * GB)
    assert uploading.code_of(uploading.create(client, 1), 413) == "storage_share_full"
    assert uploading.code_of(submit(client), 413) == "storage_share_full"
    assert len(stored_files(tmp_path)) == 1  # of the upload that began

    client.delete(address, headers=uploading.VERSION)
    assert submit(client).status_code == 202
    assert (factories.count(rows, Upload), factories.count(rows, Reservation)) == (0, 0)


def test_it_is_said_in_chinese_too(client: FlaskClient) -> None:
    client.set_cookie("longscribe_language", "zh")
    refused = uploading.create(client, 21 * GB)
    assert refused.json and refused.json["error"]["message"] == (
        "你的录音已占 0 MB，这一个还要 21 GB，而现在服务器磁盘上最多可有 20 GB 归你使用。"
        "请删除不再需要的录音。"
    )


def test_too_many_open_uploads_are_told_when_the_first_ends(client: FlaskClient) -> None:
    addresses = [uploading.uploaded(client) for _ in range(3)]
    refused = uploading.create(client)
    assert uploading.code_of(refused, 429) == "too_many_uploads"
    assert int(refused.headers["Retry-After"]) == pytest.approx(24 * 3600, abs=60)
    assert refused.json and "3 uploads" in refused.json["error"]["message"]
    # One that has its job is no longer open.
    assert uploading.submit(client, addresses[0]).status_code == 202
    assert uploading.create(client).status_code == 201


def test_a_repeat_with_a_key_is_answered_however_full_the_share_is(client: FlaskClient) -> None:
    first = submit(client, key="one")
    assert first.status_code == 202
    uploading.begun(client, 20 * GB - 5)
    assert uploading.code_of(submit(client, key="two"), 413) == "storage_share_full"
    again = submit(client, key="one")
    assert again.status_code == 202
    assert first.json and again.json and again.json["id"] == first.json["id"]
