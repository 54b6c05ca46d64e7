"""Corrections of a transcript over the API, and the downloads that contain them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import srt
import webvtt
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.cursors import HiddenPlaces
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.transcripts.values import Transcript
from tests.support import factories
from tests.support.factories import TRANSCRIPT
from tests.support.web.web_app import database, make_app

FIRST, SECOND = (sentence.text for sentence in TRANSCRIPT.sentences)
FIELDS = {
    *(
        "n",
        "revision",
        "text",
        "recognised_text",
        "corrected",
        "start",
        "end",
        "origin",
        "rule",
        "editor",
        "at",
    ),
}


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def job(rows: Database) -> str:
    """Create a completed job; returns its URL."""
    return f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"


def put(client: FlaskClient, job: str, text: str, revision: int = 0, n: int = 0) -> TestResponse:
    return client.put(f"{job}/sentences/{n}", json={"text": text, "revision": revision})


def code(response: TestResponse) -> str:
    return str(response.json["error"]["code"])  # type: ignore[index]


def test_a_correction_answers_the_sentence_and_its_new_revision(
    client: FlaskClient, job: str
) -> None:
    before = client.get(f"{job}/sentences/0").json
    response = put(client, job, "各位好。")
    assert response.status_code == 200
    body = response.json or {}
    assert set(body) == FIELDS
    assert (body["n"], body["revision"], body["text"]) == (0, 1, "各位好。")
    assert (body["recognised_text"], body["corrected"], body["editor"]) == (FIRST, True, "local")
    assert (body["start"], body["end"]) == (0.5, 1.5)
    assert body["at"].endswith("Z")
    assert client.get(f"{job}/sentences/0").json == body
    assert before == {
        **body, "revision": 0, "text": FIRST, "corrected": False, "editor": None, "at": None
    }  # fmt: skip


def test_a_correction_of_an_older_revision_is_told_what_the_sentence_is_now(
    client: FlaskClient, job: str
) -> None:
    put(client, job, "甲")
    response = put(client, job, "乙")
    assert response.status_code == 409
    assert set(response.json or {}) == {"error", "current"}
    assert set(response.json["error"]) == {"message", "type", "param", "code"}  # type: ignore[index]
    assert code(response) == "edited_meanwhile"
    current = response.json["current"]  # type: ignore[index]
    assert (current["text"], current["revision"]) == ("甲", 1)
    assert put(client, job, "乙", revision=current["revision"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"text": "好"}, "revision"),
        ({"revision": 0}, "text"),
        ({"text": None, "revision": 0}, "text"),
        ({"text": 3, "revision": 0}, "text"),
        ({"text": "好", "revision": "0"}, "revision"),
        ({"text": "好", "revision": True}, "revision"),
        ({"text": "好", "revision": 0.5}, "revision"),
        ({"text": "好", "revision": -1}, "revision"),
        ({"text": "好", "revision": 2**40}, "revision"),
        ({"text": "好", "revision": 5}, "revision"),
        ({"text": "好", "revision": 0, "by": "me"}, "by"),
        ({"text": "好" * 2001, "revision": 0}, "text"),
        ([], None),
        ("好", None),
        (None, None),
    ],
)
def test_a_wrong_body_is_refused_by_name(
    client: FlaskClient, job: str, body: object, param: str | None
) -> None:
    response = client.put(f"{job}/sentences/0", json=body)
    assert (response.status_code, code(response)) == (400, "invalid_request")
    assert response.json["error"]["param"] == param  # type: ignore[index]
    assert client.get(f"{job}/sentences/0").json["revision"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"text": "a", "revi', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"text": "a", "revision": 0}', "text/plain", 400),
        (b"", "application/json", 400),
        (b'{"text": "' + b"a" * 300_000 + b'", "revision": 0}', "application/json", 413),
    ],
)
def test_a_body_that_is_no_json_object_of_a_sentence_is_refused(
    client: FlaskClient, job: str, body: bytes, kind: str, status: int
) -> None:
    response = client.put(f"{job}/sentences/0", data=body, content_type=kind)
    assert response.status_code == status
    assert response.content_type == "application/json"


def test_a_lone_half_of_a_character_does_no_harm(client: FlaskClient, job: str) -> None:
    response = client.put(
        f"{job}/sentences/0",
        data=rb'{"text": "\ud83d\u0000ok", "revision": 0}',
        content_type="application/json",
    )
    assert response.status_code == 200
    assert response.json["text"] == "ok"  # type: ignore[index]


@pytest.mark.parametrize("path", ["sentences/9", "sentences/9/revisions"])
def test_a_sentence_that_does_not_exist_is_404(client: FlaskClient, job: str, path: str) -> None:
    assert client.get(f"{job}/{path}").status_code == 404
    assert code(client.get(f"{job}/{path}")) == "sentence_not_found"
    assert put(client, job, "好", n=9).status_code == 404


def test_a_job_that_is_not_completed_is_409(client: FlaskClient, rows: Database) -> None:
    job = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.FAILED)}"
    for response in (
        client.get(f"{job}/sentences/0"),
        client.get(f"{job}/sentences/0/revisions"),
        client.get(f"{job}/revisions"),
        put(client, job, "好"),
    ):
        assert (response.status_code, code(response)) == (409, "transcript_not_ready")


def test_another_owners_transcript_does_not_exist(client: FlaskClient, rows: Database) -> None:
    job = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED, owner_id='somebody')}"
    for response in (
        client.get(f"{job}/sentences/0"),
        client.get(f"{job}/sentences/0/revisions"),
        client.get(f"{job}/revisions"),
        put(client, job, "好"),
    ):
        assert (response.status_code, code(response)) == (404, "not_found")


def test_what_a_sentence_was_is_listed_newest_first(client: FlaskClient, job: str) -> None:
    put(client, job, "甲")
    put(client, job, "", revision=1)
    put(client, job, FIRST, revision=2)
    put(client, job, "丁", n=1)

    listed = client.get(f"{job}/sentences/0/revisions").json or {}
    assert [(r["revision"], r["text"]) for r in listed["revisions"]] == [
        (3, FIRST), (2, ""), (1, "甲"), (0, FIRST),
    ]  # fmt: skip
    assert listed["next_cursor"] is None

    first = client.get(f"{job}/revisions?limit=3").json or {}
    second = client.get(f"{job}/revisions?limit=3&cursor={first['next_cursor']}").json or {}
    both = first["revisions"] + second["revisions"]
    assert [(r["n"], r["revision"]) for r in both] == [(1, 1), (0, 3), (0, 2), (0, 1)]
    assert second["next_cursor"] is None
    for query in ("limit=0", "limit=201", "cursor=-1", "cursor=x", "page=2"):
        assert client.get(f"{job}/revisions?{query}").status_code == 400


def test_a_cursor_is_no_larger_than_the_database_holds(client: FlaskClient, job: str) -> None:
    path = f"{job}/sentences/0/revisions"
    assert client.get(f"{path}?cursor={2**31 - 1}").status_code == 200
    for beyond in (2**31, "9" * 5000):
        assert client.get(f"{path}?cursor={beyond}").status_code == 400


def test_a_cursor_tells_nothing_of_the_corrections_of_others(
    client: FlaskClient, job: str, app: Flask
) -> None:
    for revision in range(2):
        put(client, job, f"{revision}", revision=revision)
    cursor = (client.get(f"{job}/revisions?limit=1").json or {})["next_cursor"]
    key = app.secret_key or ""
    assert cursor in {HiddenPlaces(key, LOCAL_OWNER, of="revisions").hide(n) for n in range(5)}
    for refused in ("1", HiddenPlaces(key, "somebody", of="revisions").hide(1), cursor[::-1]):
        answer = client.get(f"{job}/revisions?cursor={refused}")
        assert (answer.status_code, code(answer)) == (400, "invalid_request")


def _download(client: FlaskClient, job: str, name: str, **query: str) -> str:
    response = client.get(f"{job}/transcript", query_string={"format": name, **query})
    assert response.status_code == 200
    return response.text


def test_every_text_format_carries_the_corrections(client: FlaskClient, job: str) -> None:
    put(client, job, "用CPU吗？", n=1)
    assert _download(client, job, "txt").splitlines()[-1].replace(" ", "") == "用CPU吗？"
    cues = list(srt.parse(_download(client, job, "srt")))
    assert (cues[1].start.total_seconds(), "CPU" in cues[1].content) == (2.0, True)
    captions = webvtt.from_buffer(io.StringIO(_download(client, job, "vtt"))).captions
    assert "CPU" in captions[1].text
    value = json.loads(_download(client, job, "json"))
    assert value["text"] == FIRST + "用CPU吗？"
    first, second = value["sentences"]
    assert (first["n"], first["revision"], first["corrected"]) == (0, 0, False)
    assert (second["n"], second["revision"], second["corrected"]) == (1, 1, True)
    assert [word["word"] for word in second["words"]] == ["用", "CPU", "吗"]
    assert Transcript.from_json(value).text == value["text"]


def test_a_removed_sentence_is_in_no_file(client: FlaskClient, job: str) -> None:
    put(client, job, "")
    assert len(_download(client, job, "txt").strip().splitlines()) == 1
    assert len(list(srt.parse(_download(client, job, "srt")))) == 1
    assert len(webvtt.from_buffer(io.StringIO(_download(client, job, "vtt"))).captions) == 1
    value = json.loads(_download(client, job, "json"))
    assert [(s["n"], s["text"]) for s in value["sentences"]] == [(1, SECOND)]


def test_the_recognised_text_can_be_downloaded_for_good(client: FlaskClient, job: str) -> None:
    before = _download(client, job, "json")
    put(client, job, "甲")
    put(client, job, "", n=1)
    assert _download(client, job, "json", version="recognised") == before
    assert _download(client, job, "json", version="current") == _download(client, job, "json")
    refused = client.get(f"{job}/transcript?version=first")
    assert (refused.status_code, code(refused)) == (400, "invalid_request")
    assert refused.json["error"]["param"] == "version"  # type: ignore[index]


def test_a_download_is_another_once_it_is_corrected(client: FlaskClient, job: str) -> None:
    etag = client.get(f"{job}/transcript").headers["ETag"]
    ask = {"If-None-Match": etag}
    assert client.get(f"{job}/transcript", headers=ask).status_code == 304
    put(client, job, "甲")
    assert client.get(f"{job}/transcript", headers=ask).status_code == 200


def test_another_site_s_page_cannot_correct(client: FlaskClient, job: str) -> None:
    response = client.put(
        f"{job}/sentences/0",
        json={"text": "甲", "revision": 0},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert (response.status_code, code(response)) == (403, "cross_site_request")


def test_answers_are_what_the_document_says(client: FlaskClient, job: str) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}

    def check(value: object, name: str) -> None:
        jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
        ).validate(value)

    check(put(client, job, "甲").json, "SentenceOut")
    check(put(client, job, "乙").json, "EditedMeanwhileOut")
    check(client.get(f"{job}/sentences/1").json, "SentenceOut")
    check(client.get(f"{job}/revisions").json, "RevisionListOut")
    check(client.get(f"{job}/sentences/0/revisions").json, "RevisionListOut")
    path = spec["paths"]["/api/v1/jobs/{job_id}/sentences/{n}"]["put"]
    assert path["operationId"] == "correctSentence"
    body = path["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"text", "revision"}


def test_a_change_of_many_is_made_whole_or_answers_what_is_in_its_way(
    client: FlaskClient, job: str
) -> None:
    split = [
        {"n": 0, "revision": 0, "text": "大家", "start": 0.5, "end": 1},
        {"n": None, "revision": 0, "text": "好。", "start": 1, "end": 1.5},
    ]
    response = client.post(f"{job}/revisions", json={"sentences": split})
    assert response.status_code == 200, response.json
    first, new = (response.json or {})["sentences"]
    assert (set(first), first["end"]) == (FIELDS, 1.0)
    assert (new["n"], new["revision"], new["text"], new["origin"]) == (2, 1, "好。", 0)
    assert client.get(f"{job}/sentences/2").json == new
    words = client.get(f"{job}/words").json or {}
    assert [one["n"] for one in words["sentences"]] == [0, 1, 2]
    lines = client.get(f"{job}/transcript?format=txt").text.splitlines()
    assert lines == ["大家", "好。", SECOND]

    response = client.post(f"{job}/revisions", json={"sentences": split})
    assert (response.status_code, code(response)) == (409, "edited_meanwhile")
    assert (response.json or {})["current"] == first
    response = client.post(f"{job}/revisions", json={"sentences": [{**split[0], "end": "soon"}]})
    assert (response.status_code, code(response)) == (400, "invalid_request")


def test_whole_numbers_deep_in_a_body_may_be_written_with_a_point(
    client: FlaskClient, job: str
) -> None:
    def split(n: float) -> TestResponse:
        sentence = {"n": n, "revision": 0.0, "text": "各位好。", "start": 0.0}
        return client.post(f"{job}/revisions", json={"sentences": [sentence]})

    assert split(0.5).status_code == 400
    changed = split(0.0)
    assert changed.status_code == 200, changed.text
    assert (changed.json or {})["sentences"][0]["text"] == "各位好。"
