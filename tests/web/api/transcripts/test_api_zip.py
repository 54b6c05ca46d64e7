"""Several transcripts in one zip file, over the API and from the list's selection."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from shared.errors import TranscriptUnreadable
from shared.export.formats import FORMATS
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app
from web.api.transcripts.downloads import read_transcript

ADDRESS = "/api/v1/jobs/transcripts"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def files(answer: TestResponse) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_has_no_transcript_is_told_inside(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [factories.a_job(rows, JobStatus.COMPLETED, filename="周会.wav") for _ in range(2)]
    broken = factories.a_job(rows, JobStatus.COMPLETED, filename="broken.wav")

    def read(owner_id: str, job_id: str, *rest: Any) -> Any:
        if job_id == broken:
            raise TranscriptUnreadable
        return read_transcript(owner_id, job_id, *rest)

    monkeypatch.setattr("web.api.transcripts.zip_export.read_transcript", read)
    theirs = factories.a_job(rows, JobStatus.COMPLETED, owner_id="somebody")
    waiting = factories.submit(rows, filename="later.wav")
    asked = [*done, done[0], broken, theirs, waiting, str(uuid.uuid4())]
    found = files(client.post(ADDRESS, json={"jobs": asked, "format": "srt"}))
    assert list(found) == ["周会.srt", "周会 (2).srt", "Not exported.txt"]
    assert "大家好" in found["周会.srt"].decode()
    told = found["Not exported.txt"].decode("utf-8-sig").splitlines()
    assert "later: its job is not completed." in told
    assert any(line.startswith("broken: ") for line in told)
    assert sum("There is no such job" in line for line in told) == 2
    assert theirs in "\n".join(told)


def test_options_are_those_of_a_single_file(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    wanted = {"format": "txt", "timestamps": True}
    single = client.get(f"/api/v1/jobs/{job_id}/transcript", query_string=wanted).data
    assert files(client.post(ADDRESS, json={"jobs": [job_id], **wanted})) == {"会议.txt": single}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"jobs": []}, "jobs"),
        ({"jobs": ["x"]}, "jobs"),
        ({"jobs": [str(uuid.uuid4())] * 501}, "jobs"),
        ({"jobs": [str(uuid.uuid4())], "format": "odt"}, "format"),
        ({"jobs": [str(uuid.uuid4())], "format": "docx", "line_width": 42}, "line_width"),
        ({"jobs": [str(uuid.uuid4())], "spacing": 0}, "spacing"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    client: FlaskClient, body: dict[str, object], param: str
) -> None:
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["param"] == param  # type: ignore[index]


def test_a_selection_is_downloaded_by_its_form(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED, filename="a.wav")
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    form = {"csrf_token": token, "action": "export", "format": "docx", "job": [job_id]}
    answer = client.post("/jobs/selected", data=form)
    assert 'filename="Transcripts.zip"' in answer.headers["Content-Disposition"]
    assert list(files(answer)) == ["a.docx"]


def test_the_document_names_the_formats(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").get_json()
    body = spec["paths"][ADDRESS]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["format"]["enum"] == list(FORMATS)
