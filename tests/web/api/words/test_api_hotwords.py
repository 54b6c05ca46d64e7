"""Hotwords over the API: with a submission, in lists, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database
from shared.words.hotwords import MOST_WORDS
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, quick_hashes
from tests.support.web.uploading import uploaded
from tests.support.web.web_app import database, make_app, submit

LIST = "/api/v1/hotwords"
EVERYBODYS = f"{LIST}?list=everybody"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def given(client: FlaskClient, submission: TestResponse) -> dict[str, Any]:
    assert submission.status_code == 202, submission.text
    answer = client.get((submission.json or {})["links"]["hotwords"])
    assert answer.status_code == 200, answer.text
    return answer.json or {}


@pytest.mark.parametrize("text", ["网关\n ＧＰＵ \n网关", '["GPU", "网关"]'])
def test_words_come_with_a_form(client: FlaskClient, text: str) -> None:
    told = given(client, submit(client, hotwords=text))
    assert told["named"] == ["GPU", "网关"]
    assert (told["words"], told["own"], told["everybodys"]) == (2, [], [])
    assert (told["passed"], told["found"], told["found_words"]) == (None, None, 0)


def test_words_come_with_an_upload_thousands_of_them(client: FlaskClient) -> None:
    upload_id = uploaded(client).split("/")[-1]
    words = [f"很长的一个词语它的号码是{number:05}" for number in range(MOST_WORDS)]
    body = {"upload_id": upload_id, "hotwords": words}
    assert given(client, client.post("/api/v1/jobs", json=body))["named"] == words


def test_weights_are_taken_off_a_text_and_not_off_a_list(client: FlaskClient) -> None:
    assert given(client, submit(client, hotwords="网关 20\n集群 5"))["named"] == ["网关", "集群"]
    assert given(client, submit(client, hotwords='["网关 20"]'))["named"] == ["网关 20"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("词" * 65, "hotword_too_long"),
        ("\n".join(f"词{n}" for n in range(MOST_WORDS + 1)), "too_many_hotwords"),
        ('["词", 3]', "invalid_request"),
        ('["词"', "invalid_request"),
        ('["\\ud800"]', "unreadable_hotword"),
    ],
)
def test_what_is_no_list_of_words_is_refused(client: FlaskClient, text: str, code: str) -> None:
    answer = submit(client, hotwords=text)
    assert answer.status_code == 400
    error = (answer.json or {})["error"]
    assert (error["code"], error["param"]) == (code, "hotwords")


@pytest.mark.parametrize("choice", ["", "yes", "0"])
def test_the_lists_are_wanted_or_not(client: FlaskClient, choice: str) -> None:
    answer = submit(client, hotword_lists=choice)
    assert answer.status_code == 400
    assert (answer.json or {})["error"]["message"] == "hotword_lists: must be true or false."


@pytest.mark.parametrize("words", [3, None, {"a": 1}, [["a"]]])
def test_a_json_body_with_no_list_is_refused(client: FlaskClient, words: object) -> None:
    for body in ({"upload_id": "0" * 32, "hotwords": words}, {"words": words}):
        ask = client.put if "words" in body else client.post
        answer = ask(LIST if "words" in body else "/api/v1/jobs", json=body)
        assert answer.status_code == 400, answer.text


def test_a_list_is_kept_and_given_to_jobs_from_then_on(client: FlaskClient) -> None:
    empty = client.get(LIST).json or {}
    assert empty == {"words": [], "revision": "", "changed_at": None, "editor": None}
    kept = client.put(LIST, json={"words": "网关 3\n达摩院 5\n", "revision": ""}).json or {}
    assert kept["words"] == ["网关", "达摩院"] and kept == client.get(LIST).json
    client.put(EVERYBODYS, json={"words": ["集群"]})
    told = given(client, submit(client, hotwords="网关"))
    assert (told["own"], told["everybodys"]) == (["网关", "达摩院"], ["集群"])
    assert told["words"] == 3
    without = submit(client, hotwords="网关", hotword_lists="false")
    assert (without.json or {})["hotword_lists"] is False
    assert given(client, without)["words"] == 1
    client.put(LIST, json={"words": []})
    assert client.get(LIST).json == empty


def test_a_change_of_what_a_list_was_before_is_refused(client: FlaskClient) -> None:
    kept = client.put(LIST, json={"words": ["网关"]}).json or {}
    client.put(LIST, json={"words": ["集群"], "revision": kept["revision"]})
    late = client.put(LIST, json={"words": ["达摩院"], "revision": kept["revision"]})
    assert late.status_code == 409
    assert (late.json or {})["error"]["code"] == "hotword_list_changed"
    assert (client.get(LIST).json or {})["words"] == ["集群"]


def test_what_was_found_is_told(client: FlaskClient, rows: Database) -> None:
    submission = submit(client, hotwords="网关\n大家")
    claimed = factories.claim(rows)
    jobs.note_hotwords(rows, claimed, passed=True)
    jobs.store_plan(rows, claimed, "plan", [], complete=True)
    jobs.finish(rows, claimed, factories.TRANSCRIPT, hotwords_found=[("大家", 1)])
    told = given(client, submission)
    assert told["passed"] is True
    assert (told["found"], told["found_words"]) == ([{"word": "大家", "times": 1}], 1)


def test_everybodys_list_is_changed_by_administrators_only(
    database_url: str, tmp_path: Path
) -> None:
    app = make_app(database_url, tmp_path, sign_in="required")
    db = database(app)
    with quick_hashes():
        anna, bo = bearer(db, an_admin(db)), bearer(db, a_person(db))
    client = app.test_client()
    body = {"words": ["网关"]}
    refused = client.put(EVERYBODYS, json=body, headers=bo)
    assert refused.status_code == 403 and (refused.json or {})["error"]["code"] == "forbidden"
    assert client.put(EVERYBODYS, json=body, headers=anna).status_code == 200
    assert (client.get(EVERYBODYS, headers=bo).json or {})["words"] == ["网关"]
    client.put(LIST, json={"words": ["安娜的"]}, headers=anna)
    assert (client.get(LIST, headers=bo).json or {})["words"] == []
    db.dispose()
