"""Marked places, over the API, on the page, and in files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docx import Document
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


@pytest.fixture
def address(rows: Database) -> str:
    return f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"


def test_places_are_marked_changed_and_taken_back(client: FlaskClient, address: str) -> None:
    todo = {"kind": "todo", "at": 2, "text": "买GPU", "who": "王芳", "due": "周五"}
    made = client.post(f"{address}/marks", json={"marks": [todo, {"kind": "bookmark", "at": 0.5}]})
    assert made.status_code == 201
    listed: Any = made.json
    assert [mark["kind"] for mark in listed["marks"]] == ["bookmark", "todo"]
    assert {name: listed["marks"][1][name] for name in todo} == todo
    one = f"{address}/marks/{listed['marks'][1]['id']}"
    changed: Any = client.patch(one, json={"text": "租GPU"}).json
    assert (changed["marks"][1]["text"], changed["marks"][1]["who"]) == ("租GPU", "王芳")
    assert len(client.delete(one).json["marks"]) == 1  # type: ignore[index]
    assert client.delete(one).status_code == 404
    assert client.post(f"{address}/edits/3/undo").status_code == 200
    assert len(client.get(f"{address}/marks").json["marks"]) == 2  # type: ignore[index]
    assert client.get(f"{address}/chapters/proposal").json["chapters"] == []  # type: ignore[index]


@pytest.mark.parametrize(
    "mark",
    [{"kind": "odd", "at": 1}, {"kind": "note", "at": 1}, {"kind": "note", "at": -1, "text": "x"}],
)
def test_what_cannot_be_marked_is_refused(
    client: FlaskClient, address: str, mark: dict[str, Any]
) -> None:
    assert client.post(f"{address}/marks", json={"marks": [mark]}).status_code == 400


def test_files_have_the_chapters(client: FlaskClient, address: str) -> None:
    marks = [
        {"kind": "chapter", "at": 0, "text": "开场 & *问候*"},
        {"kind": "chapter", "at": 2, "text": "GPU"},
        {"kind": "note", "at": 2.5, "text": "再问一次"},
    ]
    client.patch(address, json={"title": "# 周会", "date": "2026-11-02", "people": ["王芳", "Bo"]})
    client.post(f"{address}/marks", json={"marks": marks})

    def file(name: str) -> bytes:
        return client.get(f"{address}/transcript?format={name}").data

    assert file("md").decode() == (
        "# \\# 周会\n\n- 日期：2026-11-02\n- 参会人：王芳、Bo\n\n"
        "## 开场 \\& \\*问候\\*\n\n`00:00:00` 大家好。\n\n## GPU\n\n`00:00:02` 用 GPU 吗？\n"
    )
    headings = [
        paragraph.text
        for paragraph in Document(io.BytesIO(file("docx"))).paragraphs
        if paragraph.style is not None and paragraph.style.name == "Heading 2"
    ]
    assert headings == ["开场 & *问候*", "GPU"]
    assert file("chapters").decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n开场 &amp; *问候*\n\n"
        "00:00:02.000 --> 00:00:12.500\nGPU\n\n"
    )
    named = client.get(f"{address}/transcript?format=chapters").headers["Content-Disposition"]
    assert ".chapters.vtt" in named
    assert b'"kind": "note"' in file("json")


def test_the_page_shows_them_and_marks_without_a_script(client: FlaskClient, address: str) -> None:
    page = address.removeprefix("/api/v1")
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    form = {"csrf_token": token, "kind": "decision", "at": "0:02", "text": "买GPU", "who": "x"}
    assert client.post(f"{page}/marks", data=form).status_code == 303
    shown = client.get(page).text
    assert 'data-at="2.000">0:02</a>' in shown
    assert "Decision “买GPU” at 0:02 added" in shown
    client.post(f"{page}/marks", data={**form, "at": "soon"})
    assert "must be a time as 12:34" in client.get(page).text
