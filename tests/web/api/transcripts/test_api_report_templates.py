"""Templates of reports that are kept under names, over the API and on the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from shared.export.reports.word import LARGEST_DOCUMENT
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.documents.word import a_document, saved, texts
from tests.support.web.web_app import database, make_app

TEMPLATES = "/api/v1/report-templates"
BOARD = f"{TEMPLATES}/{quote('董事会')}"
WORD = saved(a_document("{{title}}", "{{todos}}", "{{transcript.text}}"))


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def job(client: FlaskClient, rows: Database) -> str:
    address = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"
    client.patch(address, json={"title": "周会"})
    todo = {"kind": "todo", "at": 1, "text": "问价", "who": "王芳"}
    client.post(f"{address}/marks", json={"marks": [todo]})
    return address


def problem(answer: TestResponse) -> dict[str, Any]:
    told: Any = answer.json
    return dict(told["error"])


def test_a_word_template_is_kept_chosen_replaced_and_deleted(client: FlaskClient, job: str) -> None:
    without = client.get(f"{job}/report").data
    kept: Any = client.put(BOARD, data=WORD).json
    assert (kept["name"], kept["kind"], kept["size_bytes"]) == ("董事会", "docx", len(WORD))
    assert client.get(TEMPLATES).json == {"templates": [kept], "most": 20}
    assert client.get(kept["address"]).data == WORD
    report = client.get(f"{job}/report?template=董事会")
    assert texts(report.data)[:2] == ["周会", "王芳：问价（00:00:01）"]
    assert report.headers["Content-Disposition"].endswith(quote("周会 董事会.docx"))
    assert client.get(f"{job}/report?template=董事会&kind=docx").data == report.data
    refused = client.get(f"{job}/report?template=董事会&kind=md")
    assert (refused.status_code, problem(refused)["param"]) == (400, "kind")
    assert client.get(f"{job}/report").data == without
    client.put(BOARD, data=b"| {{todos.who}} | {{todos.text}} |\r\n")
    text = client.get(f"{job}/report?template=董事会")
    assert (text.text, text.mimetype) == ("| 王芳 | 问价 |\n", "text/markdown")
    assert client.get(f"{job}/report?template=董事会&kind=docx").data[:2] == b"PK"
    assert client.delete(BOARD).status_code == 204
    for gone in (client.get(BOARD), client.delete(BOARD), client.get(f"{job}/report?template=x")):
        assert (gone.status_code, problem(gone)["code"]) == (404, "template_not_found")


def test_what_is_no_template_is_refused_with_its_place_in_both_languages(
    client: FlaskClient,
) -> None:
    wrong = saved(a_document("{{titel}}"))
    refused = problem(client.put(BOARD, data=wrong))
    assert refused["message"] == (
        "template: “{{titel}}” has {{titel}}, and there is no such placeholder. The nearest is "
        "{{title}}."
    )
    client.set_cookie("longscribe_language", "zh")
    assert "最接近的是 {{title}}" in problem(client.put(BOARD, data=wrong))["message"]
    line = problem(client.put(BOARD, data=b"a\n{{titel}} 100%"))["message"]
    assert "第 2 行" in line and "100%" in line
    for content in (
        b"",
        b"\xff\xfe",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0",
        bytes(LARGEST_DOCUMENT * 2),
    ):
        assert problem(client.put(BOARD, data=content))["param"] == "template"
    for name in ("..", "a%5Cb", "%20", "x" * 81, "%ED%A0%80%00"):
        assert client.put(f"{TEMPLATES}/{name}", data=WORD).status_code in (400, 404), name
    assert client.get(TEMPLATES).json == {"templates": [], "most": 20}


def test_a_sample_is_a_template(client: FlaskClient, job: str) -> None:
    for kind in ("docx", "md"):
        sample = client.get(f"/api/v1/report-template/sample?kind={kind}&language=zh").data
        assert client.put(f"{TEMPLATES}/{kind}", data=sample).status_code == 200
    built_in = client.get(f"{job}/report?kind=md").data
    assert client.get(f"{job}/report?kind=md&template=md").data == built_in
    assert texts(client.get(f"{job}/report?template=docx").data) == texts(
        client.get(f"{job}/report").data
    )


def test_a_summary_that_a_model_wrote_is_in_a_report(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.put(BOARD, data=b"{{summary}}")
    assert client.get(f"{job}/report?template=董事会").text == "无\n"
    job_id = job.rpartition("/")[2]
    requests.ask(rows, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts={})
    claim = minutes_queue.claim_next(rows, worker="w", lease_s=60, model="m", host="h")
    assert claim is not None
    minutes_queue.finish(rows, claim, Minutes(summary=(Point("太贵。"),)), transcript_digest="0")
    told = client.get(f"{job}/report?template=董事会").text
    assert told.startswith("- 太贵。\n- 由模型")


def test_a_template_is_kept_chosen_and_deleted_on_the_pages(client: FlaskClient, job: str) -> None:
    page = client.get("/report-template").text
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)

    def sent(name: str, content: bytes) -> TestResponse:
        form = {"csrf_token": token, "name": name, "file": (io.BytesIO(content), "a.docx")}
        return client.post("/report-templates", data=form)

    refused = sent("<Board>", saved(a_document("{{no}}")))
    assert refused.status_code == 400
    assert 'value="&lt;Board&gt;"' in refused.text and "{{no}}" in refused.text
    assert sent("Board", bytes(LARGEST_DOCUMENT + 1)).status_code == 400
    assert sent("Board", WORD).location == "/report-template#named"
    assert "Delete the template Board" in client.get("/report-template").text
    shown = client.get(job.removeprefix("/api/v1")).text
    assert shown.count(f"{job}/report?template=Board&amp;kind=docx") == 2
    client.post("/report-templates/Board/delete", data={"csrf_token": token, "sure": "yes"})
    assert "template=Board" not in client.get(job.removeprefix("/api/v1")).text
