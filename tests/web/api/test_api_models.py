"""Naming the model of a job, by the API and by the form."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared.db import Database, database_now
from shared.models import WorkerSeen
from tests.support import factories
from tests.support.people import form_token
from tests.support.web.web_app import database, make_app, stored_files, submit


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def two(app: Flask) -> Database:
    """The database, with a worker of each of two models."""
    factories.a_worker(database(app), "one", model="large")
    factories.a_worker(database(app), "two", model="iic/small")
    return database(app)


def end(db: Database, worker: str) -> None:
    with db.writing() as session:
        session.execute(
            update(WorkerSeen).where(WorkerSeen.name == worker).values(seen_at=database_now(-600))
        )


def test_the_models_that_workers_run_are_listed(client: FlaskClient, two: Database) -> None:
    end(two, "one")
    listed = client.get("/api/v1/models").json
    assert listed is not None
    small, large = listed["models"]
    assert small.pop("seen_at") > large.pop("seen_at")
    untold = {"takes_hotwords": None}
    assert [small, large] == [
        {"name": "iic/small", "demo": False, "workers_alive": 1, "jobs_at_once": 1} | untold,
        {"name": "large", "demo": False, "workers_alive": 0, "jobs_at_once": 0} | untold,
    ]


def test_a_job_tells_the_model_that_it_names(client: FlaskClient, two: Database) -> None:
    accepted = submit(client, model="large").json
    assert accepted is not None
    assert (accepted["model"]["wanted"], accepted["model"]["name"]) == ("large", "large")
    assert (accepted["waits_for"], accepted["queue_position"]) == (None, 1)
    other = submit(client, b"other", model="").json
    assert other is not None and other["model"]["wanted"] is None


def test_one_for_an_absent_model_says_so_and_so_does_the_server(
    client: FlaskClient, two: Database
) -> None:
    accepted = submit(client, model="large").json
    end(two, "one")
    assert accepted is not None
    job = client.get(accepted["links"]["self"]).json
    assert job is not None
    assert (job["waits_for"], job["queue_position"]) == ("no_worker_of_model", None)
    text = "waits for a worker that runs large; none is running"
    for page in ("/", accepted["links"]["page"]):
        assert text in client.get(page).text
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["warnings"] == [{"code": "no_worker_of_model", "model": "large"}]
    end(two, "two")
    job = client.get(accepted["links"]["self"]).json
    assert job is not None and job["waits_for"] == "no_worker"


def test_an_unknown_model_is_refused_with_the_choices(
    client: FlaskClient, two: Database, tmp_path: Path
) -> None:
    refused = submit(client, model="huge")
    assert refused.status_code == 400
    error = refused.json["error"]  # type: ignore[index]
    assert (error["code"], error["param"]) == ("unknown_model", "model")
    assert "iic/small, large" in error["message"]
    assert stored_files(tmp_path) == []
    assert submit(client, model="x" * 256).json["error"]["param"] == "model"  # type: ignore[index]


def test_no_model_is_named_while_a_worker_takes_any_job(client: FlaskClient, two: Database) -> None:
    factories.a_worker(two, "old", model=None)
    refused = submit(client, model="large")
    assert refused.status_code == 503
    assert refused.json["error"]["code"] == "model_choice_unavailable"  # type: ignore[index]
    assert submit(client).status_code == 202


def test_the_form_offers_a_choice_where_there_is_one(client: FlaskClient, app: Flask) -> None:
    factories.a_worker(database(app), "one", model="large")
    assert 'name="model"' not in client.get("/").text
    factories.a_worker(database(app), "two", model="iic/<small>")
    page = client.get("/").text
    assert 'name="model"' in page
    assert "<option>iic/&lt;small&gt;</option><option>large</option>" in page


def test_the_form_submits_for_a_model(client: FlaskClient, two: Database) -> None:
    token = form_token(client, "/")
    for model in ("large", "huge", ""):
        file = io.BytesIO(model.encode() + b"sound"), f"for {model or 'any'}.wav"
        form = {"csrf_token": token, "file": file, "model": model}
        assert client.post("/", data=form).status_code == 303
    listed = client.get("/api/v1/jobs").json
    assert listed is not None
    named = [(job["filename"], job["model"]["wanted"]) for job in listed["jobs"]]
    assert named == [("for any.wav", None), ("for large.wav", "large")]
    assert "huge" in client.get("/").text
