"""Titles, dates, people and tags, over the API and the forms of the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def token(client: FlaskClient) -> str:
    (found,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    return found


def test_a_change_is_answered_with_the_job_and_undone(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows, filename="会议.wav")
    address = f"/api/v1/jobs/{job_id}"
    given = {"title": "预算会", "date": "2026-11-02", "people": ["王芳"], "tags": ["Q4"]}
    job = client.patch(address, json=given).json
    assert job is not None
    assert {name: job[name] for name in given} == given
    assert job["filename"] == "会议.wav"
    assert client.get("/api/v1/labels").json == {"people": ["王芳"], "tags": ["Q4"]}
    assert [j["id"] for j in client.get("/api/v1/jobs?tag=q4").json["jobs"]] == [job_id]  # type: ignore[index]
    assert client.get("/api/v1/jobs?person=x").json["jobs"] == []  # type: ignore[index]
    (edit,) = client.get(f"{address}/edits").json["edits"]  # type: ignore[index]
    assert edit["kind"] == "details"
    assert edit["after"] == given
    assert client.post(f"{address}/edits/1/undo").json["title"] == "会议"  # type: ignore[index]
    assert client.post(f"{address}/edits/7/undo").status_code == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"title": "x" * 256}, "title"),
        ({"title": 1}, "title"),
        ({"date": "soon"}, "date"),
        ({"tags": "one"}, "tags"),
        ({"filename": "x"}, "filename"),
    ],
)
def test_what_cannot_be_taken_is_named(
    client: FlaskClient, rows: Database, body: dict[str, object], param: str
) -> None:
    answer = client.patch(f"/api/v1/jobs/{factories.submit(rows)}", json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["param"] == param  # type: ignore[index]


def test_a_download_is_named_after_the_title(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    client.patch(f"/api/v1/jobs/{job_id}", json={"title": "Q3/Q4 " + "评" * 200})
    named = client.get(f"/api/v1/jobs/{job_id}/transcript?format=srt")
    assert 'filename="Q3-Q4.srt"' in named.headers["Content-Disposition"].replace(" .", ".")
    assert len(named.headers["Content-Disposition"]) < 1000


def test_the_forms_of_the_page_work_without_a_script(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows, filename="a.wav")
    fields = {"title": "周会", "date": "2026-01-05", "people": "王芳、Bo", "tags": "预算，Q1"}
    saved = client.post(f"/jobs/{job_id}/details", data={"csrf_token": token(client), **fields})
    page = client.get(saved.location).text
    assert '<h1 title="周会">周会</h1>' in page
    assert "a.wav" in page
    assert "5 Jan 2026" in page
    assert "Title: 周会 (before: none)" in page
    listed = client.get("/?tag=Q1").text
    assert "周会" in listed
    assert 'href="/?person=%E7%8E%8B%E8%8A%B3"' in listed
    undone = client.post(f"/jobs/{job_id}/edits/1/undo", data={"csrf_token": token(client)})
    assert '<h1 title="a">a</h1>' in client.get(undone.location).text
    refused = client.post(
        f"/jobs/{job_id}/details", data={"csrf_token": token(client), "title": "x" * 300}
    )
    assert "at most 255 characters" in client.get(refused.location).text


def fields_of(page: str) -> dict[str, str]:
    """What a browser sends of the form as it stands on the page."""
    found = re.findall(r'<input form="about" type="\w+" name="(\w+)" value="([^"]*)"', page)
    assert len(found) == 8
    return dict(found)


def test_two_people_who_save_different_fields_undo_nothing_of_each_other(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.submit(rows, filename="a.wav")
    first = fields_of(client.get(f"/jobs/{job_id}").text)
    second = dict(first)
    send = {"csrf_token": token(client)}
    client.post(f"/jobs/{job_id}/details", data=send | first | {"date": "2026-01-05"})
    client.post(f"/jobs/{job_id}/details", data=send | second | {"tags": "预算"})
    job = client.get(f"/api/v1/jobs/{job_id}").json
    assert job is not None
    assert (job["date"], job["tags"], job["title"]) == ("2026-01-05", ["预算"], "a")
    # A save that changes nothing writes nothing: not the day of its arrival either.
    untouched = factories.submit(rows)
    client.post(
        f"/jobs/{untouched}/details", data=send | fields_of(client.get(f"/jobs/{untouched}").text)
    )
    assert client.get(f"/api/v1/jobs/{untouched}/edits").json["edits"] == []  # type: ignore[index]
    third = fields_of(client.get(f"/jobs/{job_id}").text)
    client.post(f"/jobs/{job_id}/details", data=send | third | {"tags": ""})
    assert client.get(f"/api/v1/jobs/{job_id}").json["tags"] == []  # type: ignore[index]


def test_a_renamed_job_is_another_version_of_the_list(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    tag = client.get("/fragments/jobs").headers["ETag"]
    client.patch(f"/api/v1/jobs/{job_id}", json={"title": "neu"})
    again = client.get("/fragments/jobs", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert "neu" in again.text
