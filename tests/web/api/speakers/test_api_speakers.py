"""Who speaks in a transcript over the API, and what people change of that."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import jsonschema
import pytest
import srt
import webvtt
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.speech.meeting import TWO_AT_ONCE, a_meeting
from tests.support.web.web_app import database, make_app

FIELDS = {
    *("job_id", "revision", "wanted", "can_count", "speakers", "of_sentences", "overlap", "edits")
}


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def job(rows: Database) -> str:
    """Create a completed job whose voices were told apart; returns its URL."""
    return f"/api/v1/jobs/{a_meeting(rows)}"


def speakers(client: FlaskClient, job: str) -> dict[str, Any]:
    answer = client.get(f"{job}/speakers")
    assert answer.status_code == 200, answer.text
    return answer.json or {}


def change(
    client: FlaskClient, job: str, kind: str, revision: int | None = None, **fields: Any
) -> TestResponse:
    """Send a change of `kind`, made from the newest revision unless another is given."""
    if revision is None:
        revision = speakers(client, job)["revision"]
    return client.post(f"{job}/speakers", json={"revision": revision, "kind": kind, **fields})


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in (answer.json or {})["speakers"]]


def error(answer: TestResponse) -> dict[str, Any]:
    return dict((answer.json or {})["error"])


def test_who_speaks_is_told_with_how_much(client: FlaskClient, job: str) -> None:
    found = speakers(client, job)
    assert set(found) == FIELDS
    assert found["speakers"][0] == {
        "number": 1, "name": "说话人1", "named": False,
        "sentences": 2, "seconds": 1.8, "share": 0.4, "overlap": None,
    }  # fmt: skip
    assert found["overlap"] is None  # all are heard together
    assert found["of_sentences"] == [1, 2, 1, 3, 2]
    assert (found["revision"], found["wanted"], found["can_count"]) == (0, "auto", True)
    assert found["edits"] == []
    shown = client.get(job).json or {}
    assert shown["links"]["speakers"] == f"{job}/speakers"


def test_each_change_answers_who_speaks_now(client: FlaskClient, job: str) -> None:
    renamed = change(client, job, "rename", speaker=1, name=" 王\n敏 ")
    assert names(renamed) == ["王 敏", "说话人2", "说话人3"]
    assert renamed.json == speakers(client, job)
    assert names(change(client, job, "merge", speaker=3, into=2)) == ["王 敏", "说话人2"]
    assigned = change(client, job, "assign", sentences=[4, 3], speaker="new")
    assert names(assigned) == ["王 敏", "说话人2", "说话人4"]  # 3 would come back with an undo
    nobody = change(client, job, "assign", sentences=[0], speaker=None)
    assert (nobody.json or {})["of_sentences"] == [None, 2, 1, 4, 4]
    undone = change(client, job, "undo", edit=1)
    assert names(undone) == ["说话人1", "说话人2", "说话人4"]

    edits = speakers(client, job)["edits"]
    assert [(edit["number"], edit["kind"], edit["undone"]) for edit in edits] == [
        (5, "undo", False), (4, "assign", False), (3, "assign", False),
        (2, "merge", False), (1, "rename", True),
    ]  # fmt: skip
    assert edits[2]["detail"] == {"sentences": [3, 4], "speaker": 4}
    assert edits[4]["detail"] == {"speaker": 1, "name": "王 敏"}
    assert edits[0]["editor"] == "local"
    assert edits[0]["at"].endswith("Z")


@pytest.mark.parametrize("wanted", [2, "2"])
def test_voices_are_told_apart_into_another_number(
    client: FlaskClient, job: str, wanted: object
) -> None:
    answer = change(client, job, "count", wanted=wanted)
    assert names(answer) == ["说话人1", "说话人2"]
    found = answer.json or {}
    assert (found["wanted"], found["edits"][0]["detail"]) == ("2", {"wanted": "2"})


def test_without_voices_there_is_no_other_number(client: FlaskClient, rows: Database) -> None:
    job = f"/api/v1/jobs/{a_meeting(rows, voices=None)}"
    assert (speakers(client, job)["wanted"], speakers(client, job)["can_count"]) == (None, False)
    answer = change(client, job, "count", wanted="auto")
    assert (answer.status_code, error(answer)["param"]) == (400, "wanted")
    assert change(client, job, "assign", sentences=[0], speaker="new").status_code == 200


def test_who_comes_second_is_told_who_speaks_by_now(client: FlaskClient, job: str) -> None:
    change(client, job, "rename", 0, speaker=1, name="王敏")
    answer = change(client, job, "rename", 0, speaker=1, name="李雷")
    assert (answer.status_code, error(answer)["code"]) == (409, "speakers_edited_meanwhile")
    assert (answer.json or {})["current"] == speakers(client, job)
    assert speakers(client, job)["speakers"][0]["name"] == "王敏"
    assert change(client, job, "rename", 1, speaker=1, name="李雷").status_code == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"kind": "rename", "speaker": 1, "name": "x"}, "revision"),
        ({"revision": 0, "speaker": 1, "name": "x"}, "kind"),
        ({"revision": 0, "kind": "paint", "speaker": 1}, "kind"),
        ({"revision": 0, "kind": ["rename"], "speaker": 1}, "kind"),
        ({"revision": True, "kind": "undo", "edit": 1}, "revision"),
        ({"revision": 2**31, "kind": "undo", "edit": 1}, "revision"),
        ({"revision": 0, "kind": "rename", "speaker": "1", "name": "x"}, "speaker"),
        ({"revision": 0, "kind": "rename", "speaker": 2**31, "name": "x"}, "speaker"),
        ({"revision": 0, "kind": "rename", "speaker": 9, "name": "x"}, "speaker"),
        ({"revision": 0, "kind": "rename", "speaker": 1}, "name"),
        ({"revision": 0, "kind": "rename", "speaker": 1, "name": None}, "name"),
        ({"revision": 0, "kind": "rename", "speaker": 1, "name": "x" * 81}, "name"),
        ({"revision": 0, "kind": "rename", "speaker": 1, "name": "a\u202eb"}, "name"),
        ({"revision": 0, "kind": "rename", "speaker": 1, "name": "a\u0000b"}, "name"),
        ({"revision": 0, "kind": "rename", "speaker": 1, "name": "x", "into": 2}, "into"),
        ({"revision": 0, "kind": "merge", "speaker": 1, "into": 1}, "into"),
        ({"revision": 0, "kind": "merge", "speaker": 1.5, "into": 1}, "speaker"),
        ({"revision": 0, "kind": "assign", "sentences": [], "speaker": 1}, "sentences"),
        ({"revision": 0, "kind": "assign", "sentences": [5], "speaker": 1}, "sentences"),
        ({"revision": 0, "kind": "assign", "sentences": [True], "speaker": 1}, "sentences"),
        ({"revision": 0, "kind": "assign", "sentences": [0] * 20_001, "speaker": 1}, "sentences"),
        ({"revision": 0, "kind": "assign", "sentences": [0], "speaker": 201}, "speaker"),
        ({"revision": 0, "kind": "assign", "sentences": [0], "speaker": "old"}, "speaker"),
        ({"revision": 0, "kind": "assign", "sentences": [0]}, "speaker"),
        ({"revision": 0, "kind": "count", "wanted": "many"}, "wanted"),
        ({"revision": 0, "kind": "count", "wanted": 31}, "wanted"),
        ({"revision": 0, "kind": "count", "wanted": None}, "wanted"),
        ({"revision": 0, "kind": "undo", "edit": 1}, "edit"),
        ([], None),
        (None, None),
    ],
)
def test_a_wrong_body_is_refused_by_name(
    client: FlaskClient, job: str, body: object, param: str | None
) -> None:
    answer = client.post(f"{job}/speakers", json=body)
    assert (answer.status_code, error(answer)["code"]) == (400, "invalid_request"), answer.text
    assert error(answer)["param"] == param
    assert speakers(client, job)["revision"] == 0


def test_a_whole_number_may_be_written_with_a_point(client: FlaskClient, job: str) -> None:
    changed = change(client, job, "assign", revision=0.0, sentences=[0.0], speaker="new")  # type: ignore[arg-type]
    assert changed.status_code == 200, changed.text
    for whole in (0.5, 1e300):
        refused = change(client, job, "undo", revision=1, edit=whole)
        assert (refused.status_code, error(refused)["param"]) == (400, "edit")


@pytest.mark.parametrize(
    "body",
    [
        rb'{"revision": 0, "kind": "rename", "speaker": 1, "name": "\ud83d"}',
        b'{"revision": 0, "kind": "rename", "kind": "merge", "speaker": 1, "into": 2}',
        b'{"revision": NaN, "kind": "undo", "edit": 1}',
        b'{"revision": 0, "kind": "assign", "sentences": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"revision": 0, "ki',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_json_to_keep_is_refused(
    client: FlaskClient, job: str, body: bytes
) -> None:
    answer = client.post(f"{job}/speakers", data=body, content_type="application/json")
    assert (answer.status_code, error(answer)["code"]) == (400, "invalid_request")
    assert speakers(client, job)["revision"] == 0


def test_a_job_that_is_not_completed_is_409(client: FlaskClient, rows: Database) -> None:
    job = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.FAILED)}"
    for answer in (client.get(f"{job}/speakers"), change(client, job, "undo", 0, edit=1)):
        assert (answer.status_code, error(answer)["code"]) == (409, "transcript_not_ready")


def test_another_owners_speakers_do_not_exist(client: FlaskClient, rows: Database) -> None:
    job = f"/api/v1/jobs/{a_meeting(rows, owner_id='somebody')}"
    for answer in (
        client.get(f"{job}/speakers"),
        change(client, job, "rename", 0, speaker=1, name="x"),
    ):
        assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


def test_another_site_s_page_cannot_change_who_speaks(client: FlaskClient, job: str) -> None:
    answer = client.post(
        f"{job}/speakers",
        json={"revision": 0, "kind": "rename", "speaker": 1, "name": "x"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status_code, error(answer)["code"]) == (403, "cross_site_request")


def test_how_long_two_speak_at_once_is_told_where_it_is_known(
    client: FlaskClient, rows: Database
) -> None:
    job = f"/api/v1/jobs/{a_meeting(rows, voices=None, transcript=TWO_AT_ONCE)}"
    found = speakers(client, job)
    assert found["overlap"] == 1.5
    assert [one["overlap"] for one in found["speakers"]] == [1.5, 1.5]
    file = client.get(f"{job}/transcript?format=json").json or {}
    assert file["at_once"] == [[2.5, 4.0]]
    assert [one["overlap"] for one in file["sentences"]] == [1.5, 1.5, 0]
    assert change(client, job, "merge", speaker=2, into=1).status_code == 200
    assert speakers(client, job)["overlap"] == 0


def test_a_download_is_another_once_a_speaker_is_renamed(client: FlaskClient, job: str) -> None:
    for path in ("transcript?format=txt", "transcript?format=json"):
        ask = {"If-None-Match": client.get(f"{job}/{path}").headers["ETag"]}
        assert client.get(f"{job}/{path}", headers=ask).status_code == 304
        change(client, job, "rename", speaker=1, name=f"王敏 {path[-4:]}")
        assert client.get(f"{job}/{path}", headers=ask).status_code == 200
    recognised = client.get(f"{job}/transcript?version=recognised")
    assert "说话人1: 第0句。" in recognised.text


HOSTILE = [
    "</v>", "<v 王敏>", "--> 00:00:09", "1\n\n2\n00:00:05,000 --> 00:00:06,000\nx",
    "WEBVTT", "NOTE 甲", "&lt;b&gt;", "{\\an8}<i>", "[00:00:00] 甲: ", "👩",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_breaks_no_file(client: FlaskClient, job: str, name: str) -> None:
    (shown, *_) = names(change(client, job, "rename", speaker=1, name=name))
    assert shown == " ".join(name.split())

    def download(format_: str) -> TestResponse:
        answer = client.get(f"{job}/transcript?format={format_}")
        assert answer.status_code == 200
        return answer

    in_subtitles = shown.replace("-->", "→")
    cues = list(srt.parse(download("srt").text))
    assert [cue.content for cue in cues][:2] == [f"{in_subtitles}: 第 0 句", "说话人2: 第 1 句"]
    assert len(cues) == 5
    captions = webvtt.from_buffer(io.StringIO(download("vtt").text)).captions
    assert html.unescape(captions[0].voice) == in_subtitles
    assert [caption.text for caption in captions] == [f"第 {n} 句" for n in range(5)]
    lines = download("txt").text.splitlines()
    assert (len(lines), lines[0]) == (5, f"{shown}: 第0句。")
    value = json.loads(download("json").text)
    assert [s["speaker"] for s in value["sentences"]] == [
        shown, "说话人2", shown, "说话人3", "说话人2",
    ]  # fmt: skip
    document = docx.Document(io.BytesIO(download("docx").data))
    bold = [run.text for part in document.paragraphs for run in part.runs if run.bold]
    assert bold[0] == f"{shown}："


@pytest.mark.parametrize("name", ["a\u200fb", "\u202e", "a\u2066b", "a\u001b[1m", "\ufeffa"])
def test_a_name_that_turns_text_around_is_refused(client: FlaskClient, job: str, name: str) -> None:
    answer = change(client, job, "rename", speaker=1, name=name)
    assert (answer.status_code, error(answer)["param"]) == (400, "name")


def test_a_file_without_names(client: FlaskClient, job: str) -> None:
    text = client.get(f"{job}/transcript?format=txt&speakers=false").text
    assert text == "".join(f"第{n}句。\n" for n in range(5))


def test_answers_are_what_the_document_says(client: FlaskClient, job: str) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}

    def check(value: object, name: str) -> None:
        jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
        ).validate(value)

    path = spec["paths"]["/api/v1/jobs/{job_id}/speakers"]
    assert (path["get"]["operationId"], path["post"]["operationId"]) == (
        "getSpeakers", "changeSpeakers",
    )  # fmt: skip
    body = path["post"]["requestBody"]["content"]["application/json"]["schema"]
    for sent in (
        {"kind": "rename", "speaker": 1, "name": "王敏"},
        {"kind": "merge", "speaker": 3, "into": 2},
        {"kind": "assign", "sentences": [0], "speaker": "new"},
        {"kind": "assign", "sentences": [1], "speaker": None},
        {"kind": "count", "wanted": "2-4"},
        {"kind": "undo", "edit": 5},
    ):
        given = {"revision": speakers(client, job)["revision"], **sent}
        jsonschema.validate(given, body)
        answer = client.post(f"{job}/speakers", json=given)
        assert answer.status_code == 200, answer.text
        check(answer.json, "SpeakersOut")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"revision": 0, "kind": "paint", "speaker": 1}, body)
    check(change(client, job, "undo", 0, edit=1).json, "SpeakersEditedMeanwhileOut")
    check(speakers(client, job), "SpeakersOut")
