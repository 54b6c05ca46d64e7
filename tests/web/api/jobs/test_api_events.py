"""Server-sent events of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app
from web.waiting.wait_for_changes import JobWatch, TooManyWaiting, watch


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, max_waiting=1)
    yield made
    database(made).dispose()


def listen(client: FlaskClient, job_id: str, **headers: str) -> TestResponse:
    return client.get(f"/api/v1/jobs/{job_id}/events", headers=headers, buffered=True)


def events(answer: TestResponse) -> list[dict[str, Any]]:
    """Each event with its name, its id and its data."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        if fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


def test_a_finished_job_is_told_once(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    answer = listen(client, job_id)
    assert answer.mimetype == "text/event-stream"
    [event] = events(answer)
    assert event["event"] == "job"
    assert event["data"] == client.get(f"/api/v1/jobs/{job_id}").json
    again = listen(client, job_id, **{"Last-Event-ID": event["id"]})
    assert (again.status_code, again.text) == (204, "")


def test_a_client_that_comes_back_is_told_what_is_new(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    [queued] = events(listen(client, job_id))
    assert queued["data"]["status"] == "queued"
    assert events(listen(client, job_id, **{"Last-Event-ID": queued["id"]})) == []
    factories.complete(rows, factories.claim(rows))
    [completed] = events(listen(client, job_id, **{"Last-Event-ID": queued["id"]}))
    assert completed["data"]["status"] == "completed"


def test_a_job_that_is_not_there_has_no_events(client: FlaskClient) -> None:
    answer = listen(client, "01930000-0000-7000-8000-000000000000")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")  # type: ignore[index]


def test_places_are_limited_and_given_back(app: Flask, client: FlaskClient, rows: Database) -> None:
    path = f"/api/v1/jobs/{factories.submit(rows)}/events"
    for _ in range(2):
        assert client.head(path, buffered=True).status_code == 200
        assert client.get(path, buffered=True).status_code == 200
    with app.app_context():
        taken = watch().enter({})
    assert client.get(path).json["error"]["code"] == "too_many_waiting"  # type: ignore[index]
    taken.leave()
    assert client.get(path, buffered=True).status_code == 200


def test_the_document_tells_what_is_answered(client: FlaskClient) -> None:
    paths: dict[str, Any] = client.get("/api/openapi.json").get_json()["paths"]
    responses = paths["/api/v1/jobs/{job_id}/events"]["get"]["responses"]
    assert list(responses["200"]["content"]) == ["text/event-stream"]
    assert "204" in responses and "404" in responses


def test_one_owner_leaves_some_places_to_others(rows: Database) -> None:
    waits = JobWatch(rows, most=10)
    with ExitStack() as places:
        for _ in range(9):
            places.enter_context(waits.enter({}, "anna"))
        with pytest.raises(TooManyWaiting):
            waits.enter({}, "anna")
        with waits.enter({}, "bo"), pytest.raises(TooManyWaiting):
            waits.enter({}, "cy")
        places.enter_context(waits.enter({}, "cy"))
