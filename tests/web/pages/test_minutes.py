"""Minutes on a job's page without scripts: asking, every state, and the page of the prompts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from shared.db import Database
from shared.minutes import minutes_queue
from shared.minutes.contents import Minutes, Point
from shared.minutes.errors import (
    AnswerUnusable,
    ModelServerBusy,
    ModelServerSlow,
    ModelServerUnreachable,
)
from shared.models import MinutesRequest
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import form_token
from tests.support.web.web_app import database, make_app

HOST = "model.example"
WRITTEN = Minutes(summary=(Point("<script>alert(1)</script>", (1,)),))


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, minutes_url=f"https://{HOST}/v1", minutes_model="small")
    yield made
    database(made).dispose()


@pytest.fixture
def job(rows: Database) -> str:
    """The address of a completed job's page."""
    return f"/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"


def panel(client: FlaskClient, job: str) -> str:
    """The words of the panel."""
    found = re.search(r'<section id="minutes".*?</section>\s*<', client.get(job).text, re.DOTALL)
    assert found is not None
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found[0])).split())


def press(client: FlaskClient, job: str, what: str = "", **fields: str) -> TestResponse:
    token = form_token(client, job)
    form = {"csrf_token": token, "sure": "yes", **fields}
    answer = client.post(f"{job}/minutes{what}", data=form)
    assert answer.status_code == 303 and answer.location == f"{job}#minutes", answer.text
    return answer


def claim(rows: Database) -> minutes_queue.MinutesClaim:
    found = minutes_queue.claim_next(rows, worker="w", lease_s=60, model="small", host=HOST)
    assert found is not None
    return found


def due(rows: Database) -> None:
    """Let what waits for its next try be tried now."""
    with rows.writing() as session:
        session.execute(update(MinutesRequest).values(available_at=MinutesRequest.queued_at))


def test_where_it_goes_is_said_before_and_each_state_after(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.get("/language/en")
    assert f"are sent to: {HOST} (model small). Nothing is sent before" in panel(client, job)
    press(client, job, minutes_language="zh")
    assert "nothing is sent yet" in panel(client, job)
    for error in (ModelServerUnreachable(), ModelServerSlow(), ModelServerBusy("It is busy.")):
        minutes_queue.retry_later(rows, claim(rows), error)
        shown = panel(client, job)
        assert f"{error.message} It is tried again by itself. Next: " in shown
        assert "try again" not in shown.lower(), "nobody need do what is done by itself"
        due(rows)
    press(client, job, "/cancel")
    assert "Cancelled Try again" in panel(client, job)
    press(client, job, "/retry")
    minutes_queue.fail(rows, claim(rows), AnswerUnusable())
    assert AnswerUnusable().message in panel(client, job)
    assert f"Trying again sends what is left to {HOST}." in panel(client, job)
    press(client, job, "/retry")
    minutes_queue.finish(rows, claim(rows), WRITTEN, transcript_digest="of another text")
    shown = panel(client, job)
    assert "<script>alert(1)</script> 0:02" in shown and "A proposal" in shown
    assert "<script>alert" not in client.get(job).text
    assert "The transcript was changed since" in shown
    press(client, job, "/accept", minutes_revision="7")
    assert "were changed meanwhile" in client.get(job).text
    press(client, job, "/accept", minutes_revision="0")
    assert "Accepted" in panel(client, job)
    press(client, job, "/accept", minutes_revision="1", minutes_as="proposed")
    assert "A proposal" in panel(client, job)
    press(client, job, "/marks")
    assert "All that has a place is marked already." in client.get(job).text
    press(client, job, again="yes")
    assert "Waiting" in panel(client, job)
    press(client, job, "/delete")
    assert "Nothing is sent before" in panel(client, job)


def test_what_is_asked_too_late_is_told_on_the_page(client: FlaskClient, job: str) -> None:
    client.get("/language/en")
    for what in ("/accept", "/cancel", "/retry", "/delete"):
        press(client, job, what)
        assert "Nobody has asked for minutes" in client.get(job).text


def test_in_chinese_nothing_is_left_in_english(
    client: FlaskClient, rows: Database, job: str
) -> None:
    client.get("/language/zh")
    assert f"会发送到： {HOST}" in panel(client, job)
    press(client, job)
    minutes_queue.fail(rows, claim(rows), AnswerUnusable())
    words = re.findall(r"[A-Za-z]+", panel(client, job))
    assert set(words) <= {"model", "example", "small", "UTC"}


def test_the_fragment_says_when_to_ask_again_and_when_nothing_changed(
    client: FlaskClient, rows: Database, job: str
) -> None:
    press(client, job)
    first = client.get(f"/fragments{job}/minutes")
    assert first.headers["Retry-After"] == "2"
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"/fragments{job}/minutes", headers=known).status_code == 304
    minutes_queue.finish(rows, claim(rows), WRITTEN, transcript_digest="d")
    done = client.get(f"/fragments{job}/minutes", headers=known)
    assert done.status_code == 200 and "Retry-After" not in done.headers


def test_without_a_model_there_is_no_panel_unless_there_are_minutes(
    client: FlaskClient, rows: Database, job: str, database_url: str, tmp_path: Path
) -> None:
    off = make_app(database_url, tmp_path / "off")
    elsewhere = off.test_client()
    assert 'id="minutes"' not in elsewhere.get(job).text
    press(client, job)
    minutes_queue.finish(rows, claim(rows), WRITTEN, transcript_digest="d")
    shown = elsewhere.get(job).text
    assert 'id="minutes"' in shown and "minutes-anew" not in shown
    database(off).dispose()


def test_prompts_are_changed_and_given_back(client: FlaskClient) -> None:
    client.get("/language/en")
    page, address = "/minutes/prompts", "/minutes/prompts/en/part"
    token = form_token(client, page)

    def send(status: int, **fields: str) -> str:
        answer = client.post(address, data={"csrf_token": token, **fields})
        assert answer.status_code == status
        return html.unescape(answer.text if status == 400 else client.get(page).text)

    assert "my way: {{transcript}}" in send(303, text="my way: {{transcript}}")
    refused = send(400, text="kept, although it is wrong")
    assert "needs {{transcript}} exactly once" in refused
    assert "kept, although it is wrong" in refused
    assert "my way" in send(200, restore="yes")  # the page that asks
    assert "my way" not in send(303, restore="yes", sure="yes")
    assert client.post("/minutes/prompts/en/format", data={"csrf_token": token}).status_code == 404
