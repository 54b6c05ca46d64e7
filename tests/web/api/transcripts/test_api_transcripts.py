"""The formats and options of a downloaded transcript."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from shared.export.formats import FORMATS
from shared.export.options import LIMITS
from shared.states import JobStatus
from shared.transcripts.values import Sentence, Transcript, Word
from tests.support import factories
from tests.support.databases.sqlite import migrated_file
from tests.support.web.web_app import database, make_app, submit

LONG = "我们今天用GPU讨论一下新的网关和它的延迟，所以先把数据迁移做完再看一下接口的文档。"

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    url = migrated_file(tmp_path / "longscribe.db")
    made = make_app(url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def job_id(rows: Database) -> str:
    return done(rows, Sentence(0.5, 13.0, LONG), Sentence(14.0, 15.0, "好吗？"))


def done(rows: Database, *sentences: Sentence) -> str:
    job_id = factories.submit(rows, filename="周会 01.m4a")
    duration = sentences[-1].end + 1
    factories.complete(rows, factories.claim(rows), Transcript(duration, "zh", "demo", sentences))
    return job_id


def ask(client: FlaskClient, job_id: str, query: str, **headers: str) -> TestResponse:
    return client.get(f"/api/v1/jobs/{job_id}/transcript?{query}", headers=headers)


def error_of(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 400
    error = response.get_json()["error"]
    assert isinstance(error, dict)
    assert error["code"] == "invalid_request"
    return error


def test_a_transcript_is_read_in_parts(client: FlaskClient, rows: Database) -> None:
    said = [Sentence(float(n), n + 0.9, f"第{n}句。", speaker=f"S{n % 2}") for n in range(7)]
    address = f"/api/v1/jobs/{done(rows, *said)}/sentences"
    told, query = [], {"start": "1.95", "end": "6", "limit": "3", "cursor": "0"}
    while query["cursor"] != "None":
        page = client.get(address, query_string=query).get_json()
        told.append([(one["n"], one["text"], one["speaker"]) for one in page["sentences"]])
        query["cursor"] = str(page["next_cursor"])
    assert told == [
        [(2, "第2句。", "S0"), (3, "第3句。", "S1"), (4, "第4句。", "S0")],
        [(5, "第5句。", "S1")],
    ]
    assert (page["speakers"], page["duration"]) == (["S0", "S1"], pytest.approx(7.9))
    assert client.get(f"{address}?limit=1001").status_code == 400
    waiting = f"/api/v1/jobs/{factories.submit(rows)}/sentences"
    assert client.get(waiting).get_json()["error"]["code"] == "transcript_not_ready"


def test_text_and_json_are_what_they_were_and_what_people_open_is_made_for_reading(
    client: FlaskClient, job_id: str
) -> None:
    assert ask(client, job_id, "").text == f"{LONG}\n好吗？\n"
    assert ask(client, job_id, "format=json").get_json()["sentences"][0]["text"] == LONG
    assert (
        "我们今天用 GPU 讨论一下新的网关和它的延迟\n\n2\n" in ask(client, job_id, "format=srt").text
    )


def test_each_option_changes_what_it_says(client: FlaskClient, job_id: str) -> None:
    for query, inside in (
        ("format=txt&timestamps=true", "[00:00:14] 好吗？"),
        ("format=txt&paragraphs=1", "文档。好吗？"),
        ("format=txt&punctuation=off&spacing=yes", "今天用 GPU 讨论一下新的网关和它的延迟 所以"),
        ("format=srt&end_marks=true", "延迟，\n"),
        ("format=srt&spacing=false", "今天用GPU讨论"),
        ("format=vtt&line_width=30&max_lines=3", "\n所以先把数据迁移做完\n再看"),
        ("format=vtt&min_seconds=2", "00:00:14.000 --> 00:00:16.000"),
        ("format=json&paragraphs=true", '"first_sentence": 0'),
    ):
        response = ask(client, job_id, query)
        assert response.status_code == 200, query
        assert inside in response.text, (query, response.text)


def test_a_document_is_named_after_its_recording_and_opens(
    client: FlaskClient, job_id: str
) -> None:
    response = ask(client, job_id, "format=docx&timestamps=0")
    assert response.content_type == _DOCX
    assert response.headers["Content-Disposition"].startswith('attachment; filename="')
    assert response.headers["Content-Disposition"].endswith("01.docx")
    opened = docx.Document(io.BytesIO(response.data))
    assert [paragraph.text for paragraph in opened.paragraphs][0::2] == [
        "周会 01",
        LONG.replace("GPU", " GPU ") + "好吗？",
    ]


@pytest.mark.parametrize(
    ("query", "param", "said"),
    [
        (
            "format=txt&line_width=30",
            "line_width",
            "timestamps, paragraphs, punctuation, speakers, spacing",
        ),
        ("format=srt&timestamps=true", "timestamps", "means nothing for srt"),
        ("format=json&end_marks=true", "end_marks", "means nothing for json"),
        ("format=srt&line_width=15", "line_width", "greater than or equal to 16"),
        ("format=srt&line_width=121", "line_width", "less than or equal to 120"),
        ("format=srt&line_width=wide", "line_width", "valid integer"),
        ("format=srt&max_lines=4", "max_lines", "less than or equal to 3"),
        ("format=srt&min_seconds=0", "min_seconds", "greater than or equal to 0.3"),
        ("format=srt&max_seconds=nan", "max_seconds", ""),
        ("format=srt&max_seconds=inf", "max_seconds", ""),
        ("format=txt&timestamps=perhaps", "timestamps", "valid boolean"),
        ("format=txt&timestamp=1", "timestamp", "There is no field"),
        ("format=txt&spacing=1&spacing=0", "spacing", "twice"),
        ("format=pdf", "format", "txt, json, srt, vtt, docx"),
        ("format=txt&preview=please", "preview", "valid boolean"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_the_way_out(
    client: FlaskClient, job_id: str, query: str, param: str, said: str
) -> None:
    error = error_of(ask(client, job_id, query))
    assert error["param"] == param
    assert said in error["message"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_preview_is_the_beginning_of_the_file_as_plain_text(
    client: FlaskClient, job_id: str, name: str
) -> None:
    response = ask(client, job_id, f"format={name}&preview=1")
    assert response.content_type == "text/plain; charset=utf-8"
    assert "Content-Disposition" not in response.headers
    if name != "docx":
        whole = ask(client, job_id, f"format={name}").text
        assert response.text.splitlines() == whole.splitlines()[:40]
    else:
        assert response.text.startswith("[00:00:00] 我们今天用 GPU 讨论")


@pytest.mark.parametrize("name", FORMATS)
def test_a_preview_of_a_long_transcript_says_that_there_is_more(
    client: FlaskClient, rows: Database, name: str
) -> None:
    job_id = done(rows, *(Sentence(n * 5.0, n * 5.0 + 4, LONG[:20] + "。") for n in range(900)))
    lines = ask(client, job_id, f"format={name}&preview=true").text.splitlines()
    assert len(lines) <= 41
    assert lines[-1] == "…"
    if name in ("txt", "srt", "vtt"):
        whole = ask(client, job_id, f"format={name}").text.splitlines()
        assert lines[:40] == whole[:40]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "chapters"])
def test_the_etag_is_of_the_file_with_its_options(
    client: FlaskClient, job_id: str, name: str
) -> None:
    plain = ask(client, job_id, f"format={name}")
    etag = plain.headers["ETag"]
    assert ask(client, job_id, f"format={name}").headers["ETag"] == etag
    seen = {"If-None-Match": etag}
    assert client.get(plain.request.url, headers=seen).status_code == 304
    compressed = ask(client, job_id, f"format={name}", **{"Accept-Encoding": "gzip"})
    packed = {"If-None-Match": compressed.headers["ETag"], "Accept-Encoding": "gzip"}
    assert client.get(plain.request.url, headers=packed).status_code == 304
    other = ask(client, job_id, f"format={name}&punctuation=off", **seen)
    assert other.status_code == 200
    assert other.headers["ETag"] != etag


def test_a_job_links_to_each_format(client: FlaskClient, job_id: str) -> None:
    links = client.get(f"/api/v1/jobs/{job_id}").get_json()["links"]["transcript"]
    assert list(links) == list(FORMATS)
    for link in links.values():
        assert client.get(link).status_code == 200


def test_the_options_stand_in_the_openapi_document(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").get_json()
    operation = spec["paths"]["/api/v1/jobs/{job_id}/transcript"]["get"]
    query = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
    assert set(query) == {
        "format",
        "version",
        "preview",
        *(o for f in FORMATS.values() for o in f.supported_options),
    }
    assert query["format"]["enum"] == list(FORMATS)
    assert query["timestamps"] == {"type": "boolean"}
    for name, limits in LIMITS.items():
        assert (query[name]["minimum"], query[name]["maximum"]) == (limits.minimum, limits.maximum)
    assert set(operation["responses"]["200"]["content"]) == {
        format_.media_type for format_ in FORMATS.values()
    }
    assert "304" in operation["responses"]


def test_there_is_nothing_to_take_before_the_job_is_completed_nor_of_anothers(
    client: FlaskClient, rows: Database
) -> None:
    waiting = factories.a_job(rows, JobStatus.QUEUED)
    assert ask(client, waiting, "format=docx&preview=1").status_code == 409
    anothers = factories.submit(rows, owner_id="somebody-else")
    assert ask(client, anothers, "format=docx").status_code == 404


def test_who_speaks_is_told_in_every_format_and_on_the_page(
    client: FlaskClient, rows: Database
) -> None:
    first, again = (Sentence(n, n + 0.8, f"第{n}句。", speaker="Track 1") for n in range(2))
    other = Sentence(2.0, 2.8, "好。", speaker="<客户>")
    job_id = done(rows, first, again, other)
    assert ask(client, job_id, "format=txt").text == (
        "Track 1: 第0句。\nTrack 1: 第1句。\n<客户>: 好。\n"
    )
    sentences = ask(client, job_id, "format=json").get_json()["sentences"]
    assert [sentence["speaker"] for sentence in sentences] == ["Track 1", "Track 1", "<客户>"]
    for name in ("srt", "vtt", "docx"):
        assert ask(client, job_id, f"format={name}&preview=true").status_code == 200
    page = client.get(f"/jobs/{job_id}").text
    assert page.count('data-speaker="Track 1"') == 2
    assert page.count('<span class="speaker">Track 1</span>') == 1  # where another begins to speak
    assert page.count('<span class="speaker">&lt;客户&gt;</span>') == 1


def test_a_page_names_nobody_where_that_is_not_known(client: FlaskClient, job_id: str) -> None:
    page = client.get(f"/jobs/{job_id}").text
    assert "data-speaker" not in page and 'class="speaker"' not in page


def test_no_subtitle_is_broken_within_a_term_or_a_person_of_the_job(
    client: FlaskClient, rows: Database
) -> None:
    name = "欧阳明月"
    text = f"这次是{name}的老同学们都来"
    words = tuple(Word(one, n * 0.3, n * 0.3 + 0.3) for n, one in enumerate(text))
    spoken = Transcript(9, "zh", "demo", (Sentence(0, 4.2, text, words),))
    client.post("/api/v1/replacements", json={"wrong": "王名月", "right": name})
    off = {"replacements": "off"}
    for fields, is_known in (({"hotwords": name, **off}, True), ({}, True), (off, False)):
        job_id = submit(client, **fields).get_json()["id"]
        factories.complete(rows, factories.claim(rows), spoken)
        address = f"/api/v1/jobs/{job_id}/transcript?line_width=16&format="
        for format_ in ("srt", "vtt"):
            assert (name in client.get(address + format_).text) == is_known, (fields, format_)
    client.patch(f"/api/v1/jobs/{job_id}", json={"people": [name]})
    assert name in client.get(address + "srt").text
