"""What people read who have as much waiting as they may."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import Job
from tests.support import factories
from tests.support.people import (
    a_person,
    an_admin,
    form_token,
    program_among_others,
    signed_in,
)
from tests.support.web import uploading
from tests.support.web.web_app import database, make_app, stored_files, submit

MINUTE_OF_WAV = b"\0" * 32_000 * 60


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(
        database_url, tmp_path, sign_in="required", max_queued_hours=5 / 60, owner_queued_jobs=4
    )
    yield made
    database(made).dispose()


@pytest.fixture
def client(app: Flask, rows: Database) -> FlaskClient:
    return program_among_others(app, rows)


def test_more_than_a_share_is_refused_before_it_is_read(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    for name in ("1.wav", "2.wav"):
        assert submit(client, MINUTE_OF_WAV, name).status_code == 202
    refused = submit(client, MINUTE_OF_WAV, "3.wav")
    assert uploading.code_of(refused, 429) == "queue_share_full"
    assert refused.json and refused.json["error"]["message"] == (
        "You have 2 min of audio waiting, this recording lasts about 58 s, and 2 min 30 s of "
        "yours may wait at a time now. Submit this again once some of it is recognised, or cancel "
        "a waiting job."
    )
    assert refused.headers["Retry-After"] == "60"
    refused = uploading.create(client, len(MINUTE_OF_WAV), "4.wav")
    assert uploading.code_of(refused, 429) == "queue_share_full"
    assert (len(stored_files(tmp_path)), factories.count(rows, Job)) == (2, 2)
    client.set_cookie("longscribe_language", "zh")
    refused = submit(client, MINUTE_OF_WAV, "3.wav")
    assert refused.json and refused.json["error"]["message"] == (
        "你有 2 分的录音在排队，这一个长约 58 秒，而现在你同时最多可有 2 分 30 秒在排队。"
        "请等其中一些识别完再提交，或取消一个还在排队的任务。"
    )


def test_a_job_is_not_tried_again_beyond_the_share(client: FlaskClient) -> None:
    first = submit(client).json
    assert first
    client.post(f"{first['links']['self']}/cancel")
    for _ in range(4):
        assert submit(client).status_code == 202
    refused = client.post(f"{first['links']['self']}/retry")
    assert uploading.code_of(refused, 429) == "queue_share_full"
    assert refused.json and "You have 4 jobs waiting" in refused.json["error"]["message"]


def test_the_form_tells_which_files_were_not_taken(app: Flask, rows: Database) -> None:
    an_admin(rows), a_person(rows)
    browser = signed_in(app, "Bo")
    files = [(io.BytesIO(MINUTE_OF_WAV), name) for name in ("1.wav", "2.wav", "3.wav")]
    page = browser.post(
        "/",
        data={"csrf_token": form_token(browser, "/"), "file": files},
        follow_redirects=True,
    )
    assert page.status_code == 200
    assert "“2.wav” is in the queue" in page.text
    assert "“3.wav” was not taken. You have 2 min of audio waiting" in page.text
