"""A job's history in the API and on its page, on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import InternalError
from shared.jobs.events import NewEvent, record
from shared.models import LOCAL_OWNER
from shared.states import EventKind, JobStatus, Stage
from tests.support import factories
from tests.support.factories import CHOICE, TRANSCRIPT, expire_lease
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def history(client: FlaskClient, job_id: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/jobs/{job_id}/history")
    assert answer.status_code == 200
    found = answer.json
    assert found is not None and found["job_id"] == job_id
    told: list[dict[str, Any]] = found["events"]
    return told


def messages(client: FlaskClient, job_id: str) -> list[str]:
    return [event["message"] for event in history(client, job_id)]


def test_a_job_that_goes_well(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    claim = factories.claim(rows)
    factories.recognise(rows, claim)
    jobs.set_stage(rows, claim, Stage.PUNCTUATING, duration_s=3725.0)
    jobs.set_stage(rows, claim, Stage.SAVING)
    jobs.finish(rows, claim, TRANSCRIPT)

    told = history(client, job_id)
    assert set(told[0]) == {"at", "kind", "attempt", "worker", "code", "message"}
    times = [datetime.fromisoformat(event["at"]) for event in told]
    assert times == sorted(times) and all(time.tzinfo is not None for time in times)
    assert abs((datetime.now(UTC) - times[0]).total_seconds()) < 300
    assert (told[0]["attempt"], told[0]["worker"]) == (None, None)
    assert (told[1]["attempt"], told[1]["worker"]) == (1, "worker")
    assert [event["message"] for event in told] == [
        "The recording was accepted and is safe on disk.",
        "A worker took the job.",
        "Recognition began, in batches of up to 300 s. "
        "This attempt recognised 2 batches with 3 s of speech.",
        "All of its speech is found: 4 segments in 2 batches.",
        "The recording was read to its end: 1:02:05 of audio.",
        "All speech is recognised; punctuation is added.",
        "The transcript is put together.",
        "The transcript is stored: 2 sentences.",
    ]


def test_a_lost_worker_is_told_so_that_a_person_understands(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.submit(rows)
    factories.recognise(rows, factories.claim(rows))
    expire_lease(rows, job_id)
    jobs.expire_leases(rows, max_attempts=3)
    factories.claim(rows)
    lost, again = history(client, job_id)[-2:]
    assert (lost["kind"], lost["code"], lost["attempt"]) == ("lost", "worker_lost", 1)
    assert lost["message"] == (
        "The worker fell silent: its lease of 1 min ran out, so it counts as lost. The job was "
        "queued again (1 of 3 attempts used up). What is recognised is kept."
    )
    assert again["message"] == ("A worker took the job again; 2 batches are recognised already.")


def test_the_end_of_a_job_that_failed_says_what_to_do(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    for most in (2, 2):
        jobs.retry_later(rows, factories.claim(rows), InternalError(), max_attempts=most, delay_s=0)
    assert messages(client, job_id)[-3:] == [
        "The attempt failed: Something went wrong inside Longscribe; the server's log says what. "
        "The job was queued again (1 of 2 attempts used up).",
        "A worker took the job again.",
        "The job failed: Something went wrong inside Longscribe; the server's log says what.",
    ]


def test_an_answer_that_has_not_changed_is_not_sent_again(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.submit(rows)
    path = f"/api/v1/jobs/{job_id}/history"
    seen = {"If-None-Match": client.get(path).headers["ETag"]}
    assert client.get(path, headers=seen).status_code == 304
    claim = factories.claim(rows)
    jobs.note_batch_choice(rows, claim, CHOICE)
    changed = client.get(path, headers=seen)
    assert changed.status_code == 200
    factories.recognise(rows, claim)  # no new event, but more batches in one
    seen = {"If-None-Match": changed.headers["ETag"]}
    assert "2 batches with 3 s of speech so far" in client.get(path, headers=seen).text


def test_another_owners_history_is_not_found(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows, owner_id="somebody else")
    for wanted in (job_id, "01a20000-0000-7000-8000-000000000000"):
        answer = client.get(f"/api/v1/jobs/{wanted}/history")
        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "not_found"  # type: ignore[index]


def test_a_job_links_to_its_history(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows)
    link = client.get(f"/api/v1/jobs/{job_id}").json["links"]["history"]  # type: ignore[index]
    assert client.get(link).json["job_id"] == job_id  # type: ignore[index]


class TestPage:
    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.COMPLETED])
    def test_the_history_of_a_job_without_trouble_is_folded(
        self, client: FlaskClient, rows: Database, status: JobStatus
    ) -> None:
        page = client.get(f"/jobs/{factories.a_job(rows, status)}").text
        assert 'data-key="history">' in page
        assert "The recording was accepted and is safe on disk." in page

    def test_the_history_of_a_failed_job_is_open_with_the_words_of_the_api(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.a_job(rows, JobStatus.FAILED)
        page = client.get(f"/jobs/{job_id}").text
        assert 'data-key="history-with-problems" open>' in page
        text = re.sub(r"\s+", " ", page)
        assert all(message in text for message in messages(client, job_id))

    def test_so_is_that_of_a_job_that_lost_its_worker_and_is_done(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.submit(rows)
        factories.claim(rows)
        expire_lease(rows, job_id)
        jobs.expire_leases(rows, max_attempts=3)
        factories.complete(rows, factories.claim(rows))
        assert 'data-key="history-with-problems" open>' in client.get(f"/jobs/{job_id}").text

    def test_the_fragment_that_keeps_a_page_live_holds_it(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.submit(rows)
        fragment = client.get(f"/fragments/jobs/{job_id}")
        seen = {"If-None-Match": fragment.headers["ETag"]}
        jobs.cancel(rows, owner_id=LOCAL_OWNER, job_id=job_id)
        later = client.get(f"/fragments/jobs/{job_id}", headers=seen)
        assert "The job was cancelled while it waited." in later.text


def test_every_kind_of_event_has_words_even_where_an_upgrade_could_tell_little(
    client: FlaskClient, rows: Database
) -> None:
    told_by_upgrade = set(EventKind) - {
        *(EventKind.DECODED, EventKind.RECOGNISING, EventKind.PLANNED, EventKind.OUT_OF_MEMORY),
    }
    job_id = factories.submit(rows)
    with rows.writing() as session:
        for kind in sorted(told_by_upgrade):
            detail = {"code": None, "message": None}
            record(session, job_id, NewEvent(kind, 7, detail))  # an attempt without a row
    for event in history(client, job_id)[1:]:
        assert event["message"].endswith(".") and "None" not in event["message"], event
