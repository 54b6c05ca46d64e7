"""/api/v1/fetches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.fetches import requests
from shared.models import LOCAL_OWNER
from tests.support.web.web_app import make_app

ADDRESS = "/api/v1/fetches"
URL = "https://example.org/%E5%91%A8%E4%BC%9A.mp3?signed=1"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path, url_input="on")


def test_a_recording_is_asked_for_and_cancelled(client: FlaskClient, rows: Database) -> None:
    sent = {"url": URL, "speakers": "2", "metadata": {"case": 7}}
    asked = client.post(ADDRESS, json=sent, headers={"Idempotency-Key": "k"})
    fetch = asked.json
    assert asked.status_code == 202, asked.text
    assert (fetch["status"], fetch["filename"], fetch["progress"]) == ("waiting", "周会.mp3", None)
    assert asked.headers["Location"].endswith(f"{ADDRESS}/{fetch['id']}")
    again = client.post(ADDRESS, json=sent, headers={"Idempotency-Key": "k"})
    assert again.json == fetch
    other = client.post(ADDRESS, json={"url": URL}, headers={"Idempotency-Key": "k"})
    assert other.json["error"]["code"] == "idempotency_key_reused"
    assert client.get(f"{ADDRESS}/{fetch['id']}").json == fetch
    assert client.get(ADDRESS).json == {"fetches": [fetch]}
    cancelled = client.post(f"{ADDRESS}/{fetch['id']}/cancel").json
    assert cancelled["status"] == "cancelled"
    assert requests.get(rows, owner_id=LOCAL_OWNER, fetch_id=fetch["id"]).ended_at is not None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"url": "meeting.mp3"}, 422, "unusable_url"),
        ({"url": "http://example.org/a"}, 422, "https_required"),
        ({"url": "https://[::1]/a"}, 422, "address_refused"),
        ({"url": URL, "numbers": "roman"}, 400, "invalid_request"),
        ({"url": URL, "upload_id": "x"}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_fetched_is_refused(
    client: FlaskClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post(ADDRESS, json=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_nothing_is_fetched_unless_the_operator_says_so(database_url: str, tmp_path: Path) -> None:
    client = make_app(database_url, tmp_path).test_client()
    answer = client.post(ADDRESS, json={"url": URL})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "url_input_off")
