"""Which responses are compressed, and that compression changes nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_compress import flask_compress
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database
from shared.states import Stage
from shared.transcripts.values import Sentence, Transcript, Word
from tests.support import factories
from tests.support.web.web_app import database, make_app

SAID = "我们先过一下上周的进度。"
LONG = Transcript(
    duration=1000.0,
    language="zh",
    model="demo",
    sentences=tuple(
        Sentence(
            n * 5.0,
            n * 5.0 + 4.0,
            SAID,
            tuple(
                Word(character, n * 5.0 + 0.3 * place, n * 5.0 + 0.3 * place + 0.3)
                for place, character in enumerate(SAID[:-1])
            ),
        )
        for n in range(200)
    ),
)


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def job_id(rows: Database) -> str:
    factories.submit(rows)
    claim = factories.claim(rows)
    jobs.set_stage(rows, claim, Stage.SAVING, duration_s=LONG.duration)
    jobs.store_plan(rows, claim, "plan", [], complete=True)
    jobs.finish(rows, claim, LONG)
    return claim.job_id


@pytest.mark.parametrize("format_", ["txt", "json", "srt", "vtt"])
def test_transcripts_are_compressed_for_who_can_read_that(
    client: FlaskClient, job_id: str, format_: str
) -> None:
    address = f"/api/v1/jobs/{job_id}/transcript?format={format_}"
    plain = client.get(address)
    assert "Content-Encoding" not in plain.headers
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 4
    assert gzip.decompress(packed.data) == plain.data
    again = client.get(
        address, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/static/css/base.css", "/static/js/main.js"])
def test_pages_and_scripts_are_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "br"


def test_a_static_file_is_compressed_once_until_it_changes(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed = []
    compress = flask_compress._compress_data

    def counted(app: Flask, content: bytes, algorithm: str) -> bytes:
        compressed.append((algorithm, content))
        return compress(app, content, algorithm)

    monkeypatch.setattr(flask_compress, "_compress_data", counted)
    app.static_folder = str(tmp_path)
    file = tmp_path / "said.js"
    first, second = b"// one\n" * 200, b"// two and more\n" * 200

    def fetched(**headers: str) -> TestResponse:
        answer = client.get("/static/said.js", headers={"Accept-Encoding": "gzip"} | headers)
        assert answer.status_code == 304 or answer.content_length == len(answer.data)
        return answer

    file.write_bytes(first)
    answers = [fetched() for _ in range(3)]
    assert [gzip.decompress(answer.data) for answer in answers] == [first] * 3
    unchanged = fetched(**{"If-None-Match": answers[0].headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert compressed == [("gzip", first)]
    assert client.get("/static/said.js").data == first
    file.write_bytes(second)
    assert gzip.decompress(fetched().data) == second
    pages = [client.get("/", headers={"Accept-Encoding": "gzip"}).data for _ in range(2)]
    assert all(b"<html" in gzip.decompress(page) for page in pages)
    assert [content for _, content in compressed[:2]] == [first, second]
    assert len(compressed) == 4, "a page is made for one answer"


def test_a_document_is_sent_as_it_is(client: FlaskClient, job_id: str) -> None:
    address = f"/api/v1/jobs/{job_id}/transcript?format=docx"
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.data.startswith(b"PK")
    assert "Content-Encoding" not in answer.headers
