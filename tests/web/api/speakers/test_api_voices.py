"""Voices that are kept under a name, over the API."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.db import Database
from tests.support.speech.meeting import a_voice, in_turn
from tests.support.web.web_app import make_app

VOICES = "/api/v1/voices"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def meeting(rows: Database, *speakers: int) -> str:
    """A completed job in which these speak, three sentences each; its id."""
    turns = [*range(1, len(speakers) + 1)] * 3
    return in_turn(rows, turns, sounding=[a_voice(n, unlike=40) for n in speakers])


def switch(client: FlaskClient, *, on: bool) -> dict[str, Any]:
    answer = client.put(VOICES, json={"on": on})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def rename(client: FlaskClient, job_id: str, speaker: int, name: str, revision: int = 0) -> None:
    edit = {"kind": "rename", "revision": revision, "speaker": speaker, "name": name}
    assert client.post(f"/api/v1/jobs/{job_id}/speakers", json=edit).status_code == 200


def suggestions(client: FlaskClient, job_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/jobs/{job_id}/speakers/suggestions")
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def answer(client: FlaskClient, job_id: str, kind: str, **fields: Any) -> TestResponse:
    return client.post(f"/api/v1/jobs/{job_id}/speakers/suggestions", json={"kind": kind, **fields})


def refused(given: TestResponse) -> tuple[int, str]:
    return given.status_code, (given.json or {})["error"]["code"]


def test_a_voice_is_kept_suggested_confirmed_and_deleted(
    client: FlaskClient, rows: Database
) -> None:
    assert client.get(VOICES).json == {"allowed": True, "on": False, "voices": []}
    assert switch(client, on=True)["on"]
    first = meeting(rows, 1, 2)
    rename(client, first, 1, "李伟")
    [one, other] = suggestions(client, first)["speakers"]
    assert one["can_be_kept"] and one["kept_as"] is None and not other["can_be_kept"]
    made = client.post(VOICES, json={"job_id": first, "speaker": 1, "revision": 1})
    assert made.status_code == 201, made.text
    voice = dict(made.json or {})
    assert (voice["name"], voice["seconds"]) == ("李伟", 12)
    [recording] = voice["recordings"]
    assert (recording["job_id"], recording["filename"]) == (first, "会议.wav")
    assert suggestions(client, first)["speakers"][0]["kept_as"] == voice["id"]

    second = meeting(rows, 3, 1)
    found = suggestions(client, second)
    assert (found["on"], found["known"], found["revision"]) == (True, True, 0)
    assert found["speakers"][0]["suggestion"] is None
    assert found["speakers"][1]["suggestion"] == {
        "voice": voice["id"], "name": "李伟", "likeness": 1.0,
    }  # fmt: skip
    about = {"speaker": 2, "voice": voice["id"]}
    stale = answer(client, second, "confirm", revision=5, **about)
    assert refused(stale) == (409, "speakers_edited_meanwhile")
    done = answer(client, second, "confirm", revision=0, **about)
    assert done.status_code == 200, done.text
    assert (done.json or {})["speakers"][1]["kept_as"] == voice["id"]
    speakers = client.get(f"/api/v1/jobs/{second}/speakers").json or {}
    assert [one["name"] for one in speakers["speakers"]] == ["说话人1", "李伟"]
    assert [(e["kind"], e["detail"]) for e in speakers["edits"]] == [
        ("rename", {"speaker": 2, "name": "李伟"})
    ]
    address = f"{VOICES}/{voice['id']}"
    renamed = client.patch(address, json={"name": "李小伟"})
    assert renamed.status_code == 200, renamed.text
    assert ((renamed.json or {})["name"], len((renamed.json or {})["recordings"])) == ("李小伟", 2)
    speakers = client.get(f"/api/v1/jobs/{second}/speakers").json or {}
    assert [one["name"] for one in speakers["speakers"]] == ["说话人1", "李小伟"]
    assert refused(client.patch(address, json={"name": " "})) == (400, "invalid_request")
    assert client.delete(f"{VOICES}/{voice['id']}").status_code == 204
    assert refused(client.delete(f"{VOICES}/{voice['id']}")) == (404, "voice_not_found")
    assert (client.get(VOICES).json or {})["voices"] == []


def test_what_is_refused_is_suggested_no_more(client: FlaskClient, rows: Database) -> None:
    switch(client, on=True)
    first = meeting(rows, 1)
    rename(client, first, 1, "李伟")
    client.post(VOICES, json={"job_id": first, "speaker": 1, "revision": 1})
    second = meeting(rows, 1, 2)
    [about, _] = suggestions(client, second)["speakers"]
    voice = about["suggestion"]["voice"]
    done = answer(client, second, "refuse", speaker=1, voice=voice)
    assert done.status_code == 200, done.text
    assert suggestions(client, second)["speakers"][0]["suggestion"] is None
    assert refused(answer(client, second, "refuse", speaker=9, voice=voice))[0] == 400
    assert client.delete(VOICES).status_code == 204
    assert client.get(VOICES).json == {"allowed": True, "on": True, "voices": []}


def test_nothing_is_kept_while_it_is_off(client: FlaskClient, rows: Database) -> None:
    job_id = meeting(rows, 1, 2)
    rename(client, job_id, 1, "李伟")
    given = client.post(VOICES, json={"job_id": job_id, "speaker": 1, "revision": 1})
    assert refused(given) == (409, "voices_not_kept")
    found = suggestions(client, job_id)
    assert not found["on"] and not found["known"]
    assert [one["can_be_kept"] for one in found["speakers"]] == [False, False]
    voice = str(uuid.uuid4())
    assert refused(answer(client, job_id, "refuse", speaker=1, voice=voice))[0] == 409
    switch(client, on=True)
    late = client.post(VOICES, json={"job_id": job_id, "speaker": 1, "revision": 1})
    assert refused(late) == (409, "too_little_of_a_voice")


def test_an_operator_may_forbid_it_and_what_is_there_can_still_be_deleted(
    database_url: str, tmp_path: Path
) -> None:
    allowed = make_app(database_url, tmp_path)
    rows, client = allowed.extensions["longscribe"].db, allowed.test_client()
    switch(client, on=True)
    first = meeting(rows, 1)
    rename(client, first, 1, "李伟")
    client.post(VOICES, json={"job_id": first, "speaker": 1, "revision": 1})
    second = meeting(rows, 1)
    client = make_app(database_url, tmp_path, voice_keeping="forbidden").test_client()
    shown = client.get(VOICES).json or {}
    assert not shown["allowed"] and shown["on"] and len(shown["voices"]) == 1
    [one] = suggestions(client, second)["speakers"]
    assert not one["can_be_kept"] and one["suggestion"] is None
    voice = shown["voices"][0]["id"]
    for given in (
        client.put(VOICES, json={"on": True}),
        client.patch(f"{VOICES}/{voice}", json={"name": "王敏"}),
        client.post(VOICES, json={"job_id": first, "speaker": 1, "revision": 1}),
        answer(client, second, "confirm", speaker=1, voice=voice, revision=0),
    ):
        assert refused(given) == (403, "voices_forbidden")
    assert switch(client, on=False) == {"allowed": False, "on": False, "voices": []}


@pytest.mark.parametrize(
    "body",
    [
        {"job_id": "x", "speaker": 1, "revision": 0},
        {"job_id": str(uuid.uuid4()), "speaker": 0, "revision": 0},
        {"job_id": str(uuid.uuid4()), "speaker": 1},
        {"job_id": str(uuid.uuid4()), "speaker": 1, "revision": 0, "name": "李伟"},
    ],
)
def test_what_makes_no_sense_is_told(client: FlaskClient, body: dict[str, Any]) -> None:
    assert refused(client.post(VOICES, json=body)) == (400, "invalid_request")
    assert refused(client.put(VOICES, json={"on": "yes"}))[0] == 400
