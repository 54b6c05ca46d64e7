"""The page and the fragment of the list, over HTTP and without a browser."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Recording
from shared.search import hits, texts
from shared.states import JobStatus, Stage
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files, submit
from web.pages.listing.query import STATUS_FILTERS
from web.pages.listing.selection import MAX_SELECTED


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


def etag(response: TestResponse) -> str:
    return response.headers["ETag"]


def again(client: FlaskClient, before: TestResponse, path: str = "/fragments/jobs") -> TestResponse:
    return client.get(path, headers={"If-None-Match": etag(before)})


def choose(
    client: FlaskClient, action: str, *job_ids: str, program: bool = True, **fields: str
) -> TestResponse:
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    return client.post(
        "/jobs/selected",
        data={"csrf_token": token, "action": action, "job": list(job_ids), **fields},
        headers={"Accept": "application/json"} if program else {},
    )


def test_every_state_of_a_job_is_in_one_filter() -> None:
    narrowed = [
        status for show, (_, group) in STATUS_FILTERS.items() if show != "all" for status in group
    ]
    assert sorted(narrowed) == sorted(JobStatus)


@pytest.mark.parametrize("query", ["show=no", "show=no&cursor=1", "q=" + "x" * 201, "other=1"])
def test_an_address_that_says_something_else_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/?{query}").status_code == 400
    assert client.get(f"/fragments/jobs?{query}").status_code == 400


@pytest.mark.parametrize("cursor", ["1", "A" * 32, "&cursor="])
def test_an_address_at_no_place_of_the_list_leads_to_its_beginning(
    client: FlaskClient, rows: Database, cursor: str
) -> None:
    factories.submit(rows, filename="budget")
    address = f"q=budget&show=waiting&cursor={cursor}"
    led = client.get(f"/?{address}")
    assert (led.status_code, led.location) == (302, "/?show=waiting&q=budget")
    assert "The list goes on from that place no more" in client.get(led.location).text
    assert client.get(f"/fragments/jobs?{address}").status_code == 400


def test_an_empty_list_says_what_to_do(client: FlaskClient, rows: Database) -> None:
    assert "Nothing here yet. Choose a recording above" in client.get("/").text
    factories.submit(rows)
    page = client.get("/").text
    assert "Nothing here yet" not in page
    assert "No worker is running" in page
    factories.a_worker(rows)
    assert "No worker is running" not in client.get("/").text


def test_the_page_says_which_version_of_the_list_it_came_with(
    client: FlaskClient, rows: Database
) -> None:
    factories.a_job(rows, JobStatus.FAILED)
    (version,) = re.findall(r"data-live-etag='([^']+)'", client.get("/").text)
    assert client.get("/fragments/jobs", headers={"If-None-Match": version}).status_code == 304


def test_the_list_is_sent_again_once_anything_of_it_changes(
    client: FlaskClient, rows: Database
) -> None:
    def changed() -> bool:
        nonlocal seen
        now = again(client, seen)
        if now.status_code == 200:
            seen = now
        assert etag(now) == etag(seen)
        return now.status_code == 200

    seen = client.get("/fragments/jobs")
    assert not changed()
    job_id = factories.submit(rows)
    assert changed()
    factories.a_worker(rows)
    assert changed()
    claimed = factories.claim(rows)
    assert changed()
    factories.recognise(rows, claimed)
    assert changed()
    jobs.set_stage(rows, claimed, Stage.SAVING, progress=0.9, duration_s=12.5)
    assert changed()
    jobs.finish(rows, claimed, factories.TRANSCRIPT)
    assert changed()
    assert not changed()
    client.get("/language/zh")
    assert changed()
    factories.delete(rows, job_id)
    assert changed()
    assert not changed()


def test_an_unchanged_list_is_asked_for_as_long_as_anything_may_happen(
    client: FlaskClient, rows: Database
) -> None:
    factories.a_job(rows, JobStatus.COMPLETED)
    first = client.get("/fragments/jobs")
    assert "Retry-After" not in first.headers
    assert "Retry-After" not in again(client, first).headers
    factories.submit(rows)
    first = client.get("/fragments/jobs")
    assert int(first.headers["Retry-After"]) >= 1
    assert int(again(client, first).headers["Retry-After"]) >= 1


def test_one_address_is_no_other_ones_version(client: FlaskClient, rows: Database) -> None:
    factories.a_job(rows, JobStatus.COMPLETED)
    first = client.get("/fragments/jobs")
    for path in ("/fragments/jobs?q=a", "/fragments/jobs?show=failed"):
        assert again(client, first, path).status_code == 200


def test_what_was_said_is_shown_as_text_and_never_as_markup(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    with rows.writing() as session:
        texts.correct_texts(session, job_id, {1: "<b>GPU</b> & 预算"})
    page = client.get("/?q=gpu").text
    assert "&lt;b&gt;<mark>GPU</mark>&lt;/b&gt; &amp; 预算" in page
    assert f'href="/jobs/{job_id}?find=gpu#s1"' in page
    assert "“&lt;i&gt;”" in client.get("/?q=<i>").text


def test_where_not_all_hits_are_counted_the_filters_say_that_there_are_more(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits, "_FEW", 0)
    monkeypatch.setattr(hits, "MOST_COUNTED", 2)
    failed = factories.a_job(rows, JobStatus.FAILED, filename="a.wav")
    newer = [factories.submit(rows, filename=f"{n}.wav") for n in range(3)]

    def counts(query: str) -> list[tuple[str, str]]:
        filters = client.get(query).text.partition('class="filters"')[2].partition("</nav>")[0]
        return re.findall(r">(\w+) <span>([^<]*)</span>", filters)

    assert counts("/?q=wav") == [("All", "2+"), ("Waiting", "2+"), ("Failed", "0+")]
    assert counts("/?q=0.wav") == [("All", "1"), ("Waiting", "1")]
    found = client.get("/fragments/jobs?q=wav&show=failed").text
    assert failed in found and newer[0] not in found


def act(client: FlaskClient, action: str, taken: Any, **fields: Any) -> TestResponse:
    """Ask for the first step of an action on a whole list."""
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    said = {"action": action, "newest": taken["newest"], "until": taken["until"], **fields}
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    return client.post("/jobs/selected/whole", json=said, headers=headers)


def test_a_whole_list_is_acted_on_but_for_what_was_left_out_or_came_later(
    client: FlaskClient, rows: Database
) -> None:
    failed = factories.a_job(rows, JobStatus.FAILED, filename="a.wav")
    waiting = [factories.submit(rows, filename="b.wav") for _ in range(3)]
    theirs = factories.submit(rows, filename="b.wav", owner_id="b")
    taken: Any = client.get("/fragments/jobs/whole?q=wav").json
    assert taken["counts"] == {"queued": 3, "failed": 1}
    assert taken["all_counted"] is True
    newer = factories.submit(rows, filename="c.wav")
    answer = act(client, "cancel", taken, q="wav", show="waiting", without=waiting[:1])
    assert answer.json == {"outcomes": {"cancelled": 2}, "cursor": None}
    for kept, owner_id in ((waiting[0], LOCAL_OWNER), (newer, LOCAL_OWNER), (theirs, "b")):
        assert factories.status_of(rows, kept, owner_id=owner_id) is JobStatus.QUEUED
    assert act(client, "cancel", taken, show="failed").json == {"outcomes": {}, "cursor": None}
    assert act(client, "retry", taken, show="failed").json == {
        "outcomes": {"queued": 1},
        "cursor": None,
    }
    assert factories.status_of(rows, failed) is JobStatus.QUEUED


def test_a_whole_list_is_acted_on_step_by_step(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.listing.selection._STEP", 2)
    for _ in range(3):
        factories.submit(rows)
    taken: Any = client.get("/fragments/jobs/whole").json
    first: Any = act(client, "delete", taken).json
    assert first["outcomes"] == {"deleted": 2}
    then = act(client, "delete", taken, cursor=first["cursor"])
    assert then.json == {"outcomes": {"deleted": 1}, "cursor": None}
    assert factories.count(rows, Recording) == 0


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"action": "explode"}, "action"),
        ({"newest": "1"}, "newest"),
        ({"newest": ""}, "newest"),
        ({"until": "now"}, "until"),
        ({"until": "2026-01-02T03:04:05"}, "until"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
        ({"until": 1e300}, "until"),
        ({"without": "all"}, "without"),
        ({"without": ["1"]}, "without"),
        ({"without": [str(uuid.uuid4())] * (MAX_SELECTED + 1)}, "without"),
        ({"show": "some"}, "show"),
        ({"cursor": "1"}, "cursor"),
        ({"other": 1}, "other"),
    ],
)
def test_a_whole_list_that_makes_no_sense_is_refused(
    client: FlaskClient, rows: Database, wrong: dict[str, Any], param: str
) -> None:
    job_id = factories.submit(rows)
    taken: Any = client.get("/fragments/jobs/whole").json
    answer: Any = act(client, **{"action": "delete", "taken": taken, **wrong})
    assert answer.status_code == 400, answer.text
    assert answer.json["error"]["param"] == param
    assert factories.status_of(rows, job_id) is JobStatus.QUEUED


def test_another_sites_page_cannot_act_on_a_whole_list(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    taken: Any = client.get("/fragments/jobs/whole").json
    said = {"action": "delete", "newest": taken["newest"], "until": taken["until"]}
    assert client.post("/jobs/selected/whole", json=said).status_code == 400
    assert factories.status_of(rows, job_id) is JobStatus.QUEUED


def test_a_program_is_told_how_many_had_which_outcome(client: FlaskClient, rows: Database) -> None:
    done, first, second = (
        factories.a_job(rows, JobStatus.COMPLETED),
        factories.submit(rows),
        factories.submit(rows),
    )
    theirs = factories.submit(rows, owner_id="b")
    answer = choose(client, "cancel", done, first, second, theirs)
    assert answer.json == {"outcomes": {"cancelled": 2, "refused": 1, "gone": 1}}
    assert factories.status_of(rows, theirs, owner_id="b") is JobStatus.QUEUED
    assert choose(client, "retry", first).json == {"outcomes": {"queued": 1}}


def test_deleted_jobs_take_their_recordings_along(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    made = [submit(client, filename=f"{n}.wav").json["id"] for n in range(3)]  # type: ignore[index]
    assert choose(client, "delete", *made[:2]).json == {"outcomes": {"deleted": 2}}
    assert len(stored_files(tmp_path)) == factories.count(rows, Recording) == 1


def test_a_form_asks_before_it_deletes(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    asked = choose(client, "delete", job_id, program=False)
    assert "Delete 1 job?" in asked.text
    assert factories.status_of(rows, job_id) is JobStatus.QUEUED
    done = choose(client, "delete", job_id, program=False, sure="yes", back="/?show=waiting")
    assert (done.status_code, done.headers["Location"]) == (303, "/?show=waiting")
    assert "1 deleted." in client.get("/").text


def test_a_form_leads_back_to_this_site_only(client: FlaskClient, rows: Database) -> None:
    answer = choose(client, "cancel", factories.submit(rows), program=False, back="//evil.example/")
    assert answer.headers["Location"] == "/"


def test_a_choice_without_jobs_or_of_too_many_or_without_sense_is_refused(
    client: FlaskClient, rows: Database
) -> None:
    answer = choose(client, "cancel", program=False)
    assert answer.status_code == 303
    assert "Nothing was selected." in client.get("/").text
    many = [f"{n}" for n in range(MAX_SELECTED + 1)]
    assert choose(client, "cancel", *many).status_code == 400
    assert choose(client, "explode", factories.submit(rows)).status_code == 400
    for no_id in ("1", "\x00", "x" * 36):
        assert choose(client, "cancel", no_id).status_code == 400
    unsigned = client.post("/jobs/selected", data={"action": "cancel", "job": "x"})
    assert unsigned.status_code == 400


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_as_many_jobs_as_are_allowed_fit_into_one_form(
    client: FlaskClient, rows: Database, kind: str
) -> None:
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/").text)
    ids = [factories.submit(rows), *(str(uuid.uuid4()) for _ in range(MAX_SELECTED - 1))]
    answer = client.post(
        "/jobs/selected",
        data={"csrf_token": token, "action": "delete", "back": "/", "sure": "yes", "job": ids},
        content_type=kind,
        headers={"Accept": "application/json"},
    )
    assert answer.json == {"outcomes": {"deleted": 1, "gone": MAX_SELECTED - 1}}
