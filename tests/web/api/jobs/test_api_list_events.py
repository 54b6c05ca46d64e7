"""Server-sent events of all of one's jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from shared import jobs
from shared.cursors import HiddenPlaces
from shared.db import Database
from tests.support import factories
from tests.support.web.web_app import database, make_app
from web.api.jobs import list_events
from web.waiting.wait_for_changes import watch

PATH = "/api/v1/jobs/events"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, max_waiting=2)
    yield made
    database(made).dispose()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_events, "LOOK_EVERY_S", 0.01)


def listen(client: FlaskClient, last_event_id: str | None = None) -> Iterator[dict[str, Any]]:
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    answer = client.get(PATH, headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    for block in answer.iter_encoded():
        if block.startswith(b":"):  # a sign of life, on a machine that was long about its look
            continue
        fields = dict(line.split(": ", 1) for line in block.decode().strip().splitlines())
        yield {**fields, "data": json.loads(fields["data"])}
    answer.close()


def test_each_job_is_told_as_the_list_has_it(client: FlaskClient, rows: Database) -> None:
    factories.submit(rows)
    events = listen(client)
    opened = next(events)
    assert opened["event"] == "open"
    job_id = factories.submit(rows)
    factories.submit(rows, owner_id="somebody else")
    told = next(events)
    listed = client.get("/api/v1/jobs").get_json()["jobs"][0]
    assert (told["event"], told["data"]) == ("job", listed)
    assert list(events) == [], "ends by itself, and tells nothing twice"
    again = [(one["event"], one["data"]["id"]) for one in listen(client, opened["id"])]
    assert ("job", job_id) in again and len(again) == len(set(again))


def test_who_cannot_go_on_is_told_to_read_the_list(client: FlaskClient, rows: Database) -> None:
    factories.submit(rows)
    [opened] = listen(client)
    assert not re.search(r"\d-\d", opened["id"]), "it would tell how much happens to others' jobs"
    anothers = HiddenPlaces("test", "somebody", of="events").hide_text("0-1-000000000000")
    odd = ("nonsense", "0-1-000000000000", "9" * 400, "A" * 64, "é" * 30, anothers)
    for place in (*odd, opened["id"][::-1]):
        assert [one["event"] for one in listen(client, place)] == ["reset"]


def test_a_deleted_job_is_not_told(client: FlaskClient, rows: Database) -> None:
    events = listen(client)
    next(events)
    factories.delete(rows, factories.submit(rows))
    assert list(events) == []


def test_what_could_not_be_read_is_told_to_who_comes_back(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[str] = []
    get_job = jobs.get_job

    def fail_once(*_: object, **__: object) -> None:
        submitted.append(factories.submit(rows))
        monkeypatch.setattr(jobs, "get_job", get_job)
        raise OperationalError("select", {}, Exception("the database is away"))

    events = listen(client)
    opened = next(events)
    submitted.append(factories.submit(rows))
    monkeypatch.setattr(jobs, "get_job", fail_once)
    assert list(events) == [], "ends before it tells of what happened later"
    again = [one["data"]["id"] for one in listen(client, opened["id"])]
    assert len(submitted) == 2 and set(submitted) <= set(again)


def test_it_takes_one_of_the_places(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        taken = [watch().enter({}) for _ in range(2)]
    refused = client.get(PATH)
    assert refused.get_json()["error"]["code"] == "too_many_waiting"
    taken[0].leave()
    assert [one["event"] for one in listen(client)] == ["open"]


def test_an_address_is_for_fetches(client: FlaskClient) -> None:
    refused = client.post("/api/v1/jobs", json={"url": "https://example.org/a.mp3"}).get_json()
    assert refused["error"]["param"] == "url"
    assert "/api/v1/fetches" in refused["error"]["message"]
