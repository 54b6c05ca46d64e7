"""Hotwords on the pages: in the form, on the page of words, and what a job's page tells of them."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.words.hotwords import EVERYBODY, MOST_WORDS, read_list, replace_list
from tests.support import factories
from tests.support.people import a_person, an_admin, form_token, quick_hashes, signed_in
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def text_of(answer: TestResponse) -> str:
    """What a page says, without tags."""
    shown = re.sub(r"<[^>]*>", " ", answer.text)
    return re.sub(r"\s+", " ", html.unescape(shown))


def keep(client: FlaskClient, words: str, **fields: str) -> TestResponse:
    form = {"csrf_token": form_token(client, "/words"), "words": words, "revision": "", **fields}
    return client.post("/words/hotwords", data=form, follow_redirects=True)


def a_finished_job(
    rows: Database, *named: str, passed: bool = True, found: list[tuple[str, int]] | None = None
) -> str:
    job_id = factories.submit(rows, hotwords=sorted(named))
    claimed = factories.claim(rows)
    if jobs.claimed_hotwords(rows, claimed) is not None:
        jobs.note_hotwords(rows, claimed, passed=passed)
    jobs.note_batch_choice(rows, claimed, factories.CHOICE)
    jobs.store_plan(rows, claimed, "plan", [], complete=True)
    jobs.finish(rows, claimed, factories.TRANSCRIPT, hotwords_found=found)
    return job_id


class TestThePageOfWords:
    def test_the_longest_list_of_the_longest_words_fits(
        self, client: FlaskClient, rows: Database
    ) -> None:
        words = [f"{'词' * 60}{n:04}" for n in range(MOST_WORDS)]
        assert keep(client, "\r\n".join(words)).status_code == 200
        assert len(read_list(rows, LOCAL_OWNER).words) == MOST_WORDS
        form = {"file": (io.BytesIO(b"sound"), "a.wav"), "hotwords": "\n".join(words)}
        submitted = client.post("/api/v1/jobs", data=form)
        assert submitted.status_code == 202, submitted.text

    def test_a_list_is_kept_and_shown_again(self, client: FlaskClient, rows: Database) -> None:
        told = text_of(keep(client, "网关 20\n达摩院 5\n"))
        assert "The list has 2 words now." in told
        assert "weights behind the words were taken off" in told
        assert read_list(rows, LOCAL_OWNER).words == ("网关", "达摩院")
        page = client.get("/words")
        assert "网关\n达摩院</textarea>" in page.text
        assert "2 of 5,000 words" in text_of(page)
        assert "Everybody's list" not in text_of(page).split("Hotwords")[1]

    def test_what_is_refused_is_still_there(self, client: FlaskClient, rows: Database) -> None:
        for words in ("词" * 65, "\n".join(f"词{n}" for n in range(MOST_WORDS + 1))):
            answer = keep(client, words)
            assert answer.status_code == 400
            assert 'role="alert"' in answer.text and words in answer.text
        assert read_list(rows, LOCAL_OWNER).words == ()

    def test_whoever_comes_second_is_told_so(self, client: FlaskClient, rows: Database) -> None:
        replace_list(rows, LOCAL_OWNER, ("集群",), editor_id="e")
        answer = keep(client, "网关")
        assert answer.status_code == 409
        assert "Somebody changed this list" in answer.text and "网关</textarea>" in answer.text
        assert read_list(rows, LOCAL_OWNER).words == ("集群",)

    def test_everybodys_list_is_written_by_administrators(
        self, database_url: str, tmp_path: Path
    ) -> None:
        app = make_app(database_url, tmp_path, sign_in="required")
        db = database(app)
        with quick_hashes():
            an_admin(db)
            a_person(db)
            anna, bo = signed_in(app, "Anna"), signed_in(app, "Bo")
        assert "The list has 1 word now." in keep(anna, "网关", list="everybody").text
        assert read_list(db, EVERYBODY).words == ("网关",)
        assert keep(bo, "集群", list="everybody").status_code == 403
        page = bo.get("/words").text
        assert "<li>网关</li>" in page and page.count("/words/hotwords") == 1
        db.dispose()


class TestTheForm:
    def test_words_come_without_scripts_too(self, client: FlaskClient, rows: Database) -> None:
        replace_list(rows, LOCAL_OWNER, ("达摩院",), editor_id="e")
        for without in ({}, {"without_hotword_lists": "yes"}):
            client.post(
                "/",
                data={
                    "csrf_token": form_token(client, "/"),
                    "file": (io.BytesIO(b"sound"), "a.wav"),
                    "hotwords": "网关\n集群",
                    **without,
                },
            )
        first, second = (jobs.claimed_hotwords(rows, factories.claim(rows)) for _ in range(2))
        assert first is not None and first.words == ("网关", "达摩院", "集群")
        assert second is not None and second.words == ("网关", "集群")

    def test_the_hint_says_what_the_model_takes_and_the_lists_add(
        self, client: FlaskClient, rows: Database
    ) -> None:
        assert client.get("/words/hotwords/hint").text == ""
        factories.a_worker(rows, "one")
        assert client.get("/words/hotwords/hint").text == ""
        replace_list(rows, EVERYBODY, ("达摩院",), editor_id="e")
        told = {"hostname": "h", "device": "cpu", "started_at": datetime.now(UTC)}
        jobs.note_worker(
            rows,
            jobs.WorkerReport(
                name="two", model="/m/mine", model_name="mine", takes_hotwords=False, **told
            ),
        )
        assert client.get("/words/hotwords/hint").text == (
            "The model mine takes no hotwords: words that are named are not used. "
            "The lists add 0 words of yours and 1 of everybody's."
        )
        jobs.note_worker(
            rows,
            jobs.WorkerReport(
                name="three", model="seaco", model_name="seaco", takes_hotwords=True, **told
            ),
        )
        assert "Some workers run mine," in client.get("/words/hotwords/hint").text
        assert "The model mine" in client.get("/words/hotwords/hint?model=mine").text
        assert "mine" not in client.get("/words/hotwords/hint?model=seaco").text
        listed = (client.get("/api/v1/models").json or {})["models"]
        takes = {one["name"]: one["takes_hotwords"] for one in listed}
        assert (takes["mine"], takes["seaco"]) == (False, True)


class TestAJobsPage:
    def test_what_was_passed_and_found_is_told(self, client: FlaskClient, rows: Database) -> None:
        replace_list(rows, LOCAL_OWNER, ("集群",), editor_id="e")
        job_id = a_finished_job(rows, "大家", "网关", found=[("大家", 2), ("集群", 1)])
        told = text_of(client.get(f"/jobs/{job_id}"))
        assert "3 words were given to the model: 2 named with the recording, 1 of your" in told
        assert "2 stand in the text: 大家 2 times 集群 once" in told
        assert "Named with the recording, and not in the text: 网关" in told

    def test_a_model_that_takes_none_is_named(self, client: FlaskClient, rows: Database) -> None:
        job_id = a_finished_job(rows, "大家", "网关", passed=False, found=[])
        told = text_of(client.get(f"/jobs/{job_id}"))
        assert "The model demo takes no hotwords, so none of the 2 words was used" in told

    def test_a_worker_of_an_earlier_version_used_none(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.a_job(rows, JobStatus.COMPLETED, hotwords=("网关",))
        assert "A worker of an earlier version ran this" in client.get(f"/jobs/{job_id}").text

    def test_nothing_is_said_of_a_job_without_any(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = a_finished_job(rows)
        assert "Hotwords" not in text_of(client.get(f"/jobs/{job_id}"))

    def test_the_warning_is_a_sentence_in_both_languages(self, client: FlaskClient) -> None:
        from web.i18n.warnings import warning_text

        with client.application.test_request_context():
            assert "takes no hotwords" in warning_text("hotwords_not_taken")
        with client.application.test_request_context(headers={"Accept-Language": "zh"}):
            assert "不支持热词" in warning_text("hotwords_not_taken")
