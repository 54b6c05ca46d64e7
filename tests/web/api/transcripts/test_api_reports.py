"""Reports and their templates, over the API and on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app

TEMPLATE = "/api/v1/report-template"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def test_a_report_is_made_from_the_template_of_its_owner(
    client: FlaskClient, rows: Database
) -> None:
    job = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"
    client.patch(job, json={"title": "周会", "people": ["王芳"]})
    client.post(f"{job}/marks", json={"marks": [{"kind": "decision", "at": 1, "text": "不买"}]})
    built_in = client.get(f"{job}/report?kind=md")
    assert "## 决定\n\n- 不买（00:00:01）" in built_in.text
    assert built_in.headers["Content-Disposition"].endswith(quote("周会 纪要.md"))
    own: Any = client.put(TEMPLATE, json={"template": "{{title}}: {{people}}\n"}).json
    assert own == {"template": "{{title}}: {{people}}\n", "own": True}
    assert client.get(f"{job}/report?kind=md").text == "周会: 王芳\n"
    assert client.get(f"{job}/report").data[:2] == b"PK"
    refused: Any = client.put(TEMPLATE, json={"template": "{{no}}"})
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "template")
    assert client.delete(TEMPLATE).json["own"] is False  # type: ignore[index]


def test_a_job_without_a_transcript_has_none(client: FlaskClient, rows: Database) -> None:
    assert client.get(f"/api/v1/jobs/{factories.submit(rows)}/report").status_code == 409


def test_the_template_is_changed_on_a_page(client: FlaskClient) -> None:
    page = client.get("/report-template").text
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    assert "## Decisions" in page
    form = {"csrf_token": token, "do": "save"}
    refused = client.post("/report-template", data={**form, "template": "{{no}} kept"})
    assert refused.status_code == 400
    assert "{{no}} kept</textarea>" in refused.text
    assert client.post("/report-template", data={**form, "template": "# {{title}}"}).location
    assert "# {{title}}</textarea>" in client.get("/report-template").text
    client.post("/report-template", data={**form, "do": "reset", "sure": "yes"})
    assert "## Decisions" in client.get("/report-template").text
