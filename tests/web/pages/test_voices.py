"""The page of kept voices, with forms alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers.kept import voices
from shared.speakers.kept.voice_keeping import is_on, switch_on
from tests.support.speech.meeting import a_voice, in_turn
from tests.support.web.web_app import make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def post(client: FlaskClient, path: str, page: str = "/voices", **fields: str) -> tuple[int, str]:
    token = re.search(
        r'name="csrf(?:_t|-t)oken" (?:value|content)="([^"]+)"', client.get(page).text
    )
    assert token
    answer = client.post(path, data={"csrf_token": token[1], **fields}, follow_redirects=True)
    return answer.status_code, answer.text


def keep(client: FlaskClient, rows: Database, name: str) -> str:
    """Keep the voice of the first speaker of a new job under `name`; the job's id."""
    job_id = in_turn(rows, [1] * 3, sounding=[a_voice(1)])
    edit = {"kind": "rename", "revision": 0, "speaker": 1, "name": name}
    client.post(f"/api/v1/jobs/{job_id}/speakers", json=edit)
    kept = client.post("/api/v1/voices", json={"job_id": job_id, "speaker": 1, "revision": 1})
    assert kept.status_code == 201, kept.text
    return job_id


def test_it_is_off_until_it_is_switched_on(client: FlaskClient, rows: Database) -> None:
    shown = client.get("/voices").text
    assert "Keeping voices is off" in shown and "biometric data" in shown
    job_id = in_turn(rows, [1], sounding=[a_voice(1)])
    assert "data-voices" not in client.get(f"/jobs/{job_id}").text
    status, shown = post(client, "/voices/on")
    assert status == 200 and "Keeping voices is on" in shown and "None yet." in shown
    assert is_on(rows, LOCAL_OWNER)
    address = f'data-voices="/api/v1/jobs/{job_id}/speakers/suggestions"'
    assert address in client.get(f"/jobs/{job_id}").text


def test_voices_are_listed_and_deleted_one_by_one_or_all(
    client: FlaskClient, rows: Database
) -> None:
    switch_on(rows, LOCAL_OWNER)
    jobs = [keep(client, rows, name) for name in ("<b>李伟</b>", "<b>李伟</b>", "王敏")]
    shown = client.get("/voices").text
    assert "&lt;b&gt;李伟" in shown and "<b>李伟" not in shown
    assert "0:24 of speech" in shown and "2 recordings" in shown
    assert all(f'href="/jobs/{job_id}"' in shown for job_id in jobs)
    [one, _] = re.findall(r'href="(/voices/[^"/]+/delete)"', shown)
    rename = one.replace("delete", "name")
    assert 'value="&lt;b&gt;李伟' in client.get(rename).text
    status, shown = post(client, rename, name="王敏")
    assert status == 409 and "Another voice is kept under this name" in shown
    assert post(client, rename, name="李伟")[0] == 200
    assert [found.name for found in voices.read_voices(rows, LOCAL_OWNER)] == ["李伟", "王敏"]
    assert "李伟" in client.get(f"/jobs/{jobs[0]}").text
    assert post(client, rename, name="<b>李伟</b>")[0] == 200
    assert "Delete the voice of “&lt;b&gt;李伟" in client.get(one).text
    assert post(client, one)[0] == 200
    assert [voice.name for voice in voices.read_voices(rows, LOCAL_OWNER)] == ["王敏"]
    assert client.get(one).status_code == 404 and post(client, one)[0] == 404
    assert "Delete all kept voices?" in client.get("/voices/delete").text
    post(client, "/voices/delete")
    assert voices.read_voices(rows, LOCAL_OWNER) == [] and is_on(rows, LOCAL_OWNER)


def test_switching_off_asks_first_and_deletes_all(client: FlaskClient, rows: Database) -> None:
    switch_on(rows, LOCAL_OWNER)
    keep(client, rows, "李伟")
    assert "deleted for good" in client.get("/voices/off").text
    assert is_on(rows, LOCAL_OWNER)
    status, shown = post(client, "/voices/off")
    assert status == 200 and "Keeping voices is off" in shown and "李伟" not in shown
    client.set_cookie("longscribe_language", "zh")
    assert "声纹保存已关闭" in client.get("/voices").text


def test_where_it_is_forbidden_nobody_switches_it_on(database_url: str, tmp_path: Path) -> None:
    client = make_app(database_url, tmp_path, voice_keeping="forbidden").test_client()
    shown = client.get("/voices").text
    assert "does not allow voices to be kept" in shown and "Switch on" not in shown
    assert post(client, "/voices/on")[0] == 403
