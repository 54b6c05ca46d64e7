"""The partial text of a running job, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from tests.support import factories
from tests.support.web.web_app import database, make_app

RATE = 16_000
PLANNED = [
    jobs.PlannedSegment(0, 2 * RATE, 0),
    jobs.PlannedSegment(3 * RATE, 8 * RATE, 1),
    jobs.PlannedSegment(9 * RATE, 11 * RATE, 0),
    jobs.PlannedSegment(12 * RATE, 13 * RATE, 1),
]


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def claim(rows: Database) -> jobs.Claim:
    factories.submit(rows)
    claimed = factories.claim(rows)
    jobs.note_batch_choice(rows, claimed, factories.CHOICE)
    jobs.store_plan(rows, claimed, "first", PLANNED, complete=True)
    return claimed


def commit(rows: Database, claim: jobs.Claim, *said: tuple[int, str]) -> None:
    """Divide segments into batches, by their numbers in the plan."""
    recognised = [
        jobs.RecognisedSegment(
            PLANNED[number].start_sample,
            PLANNED[number].end_sample,
            PLANNED[number].batch,
            [
                (word, PLANNED[number].start_sample / RATE, PLANNED[number].end_sample / RATE, None)
                for word in words.split()
            ],
        )
        for number, words in said
    ]
    usage = jobs.Usage(recognition_s=0.1, cpu_s=0.1, peak_bytes=1)
    jobs.save_batch(rows, claim, recognised, progress=0.3, usage=usage)


def ask(client: FlaskClient, job_id: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
    query = {} if before is None else {"plan": before["plan"], "from_batch": before["next_batch"]}
    answer = client.get(f"/api/v1/jobs/{job_id}/text", query_string=query)
    assert answer.status_code == 200 and answer.json is not None
    return answer.json


def texts(told: dict[str, Any]) -> list[tuple[float, str]]:
    return [(segment["start"], segment["text"]) for segment in told["segments"]]


def test_each_batch_is_told_when_it_is_committed_and_only_what_is_new(
    client: FlaskClient, rows: Database, claim: jobs.Claim
) -> None:
    nothing = ask(client, claim.job_id)
    assert nothing["segments"] == []
    commit(rows, claim, (0, "我 们 用 API gateway"), (2, ""))
    first = ask(client, claim.job_id, nothing)
    assert texts(first) == [(0.0, "我们用API gateway")]
    commit(rows, claim, (1, "好"), (3, "吧"))
    second = ask(client, claim.job_id, first)
    assert texts(second) == [(0.0, "我们用API gateway"), (3.0, "好"), (12.0, "吧")]
    assert texts(ask(client, claim.job_id, second)) == [(3.0, "好"), (12.0, "吧")]
    assert texts(ask(client, claim.job_id)) == texts(second)


def test_a_batch_that_is_committed_in_parts_is_told_again(
    client: FlaskClient, rows: Database, claim: jobs.Claim
) -> None:
    commit(rows, claim, (2, "后"))
    half = ask(client, claim.job_id)
    commit(rows, claim, (0, "先"))
    assert texts(ask(client, claim.job_id, half)) == [(0.0, "先"), (9.0, "后")]


def test_text_of_a_plan_that_was_dropped_is_not_mixed_with_the_new_one(
    client: FlaskClient, rows: Database, claim: jobs.Claim
) -> None:
    commit(rows, claim, (0, "旧"), (2, "的"))
    commit(rows, claim, (1, "旧"), (3, "的"))
    old = ask(client, claim.job_id)
    jobs.store_plan(rows, claim, "second", PLANNED, complete=True)
    between = ask(client, claim.job_id, old)
    assert (between["plan"] == old["plan"], between["segments"]) == (False, [])
    commit(rows, claim, (0, "新"), (2, "的"))
    assert texts(ask(client, claim.job_id, old)) == [(0.0, "新"), (9.0, "的")]


def test_anothers_text_is_not_told(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows, owner_id="somebody else")
    answer = client.get(f"/api/v1/jobs/{job_id}/text")
    assert answer.status_code == 404
    assert answer.json is not None and answer.json["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "query", [{"from_batch": "-1"}, {"from_batch": "x"}, {"from_batch": "9" * 30}, {"since": "1"}]
)
def test_a_wrong_question_is_refused(
    client: FlaskClient, claim: jobs.Claim, query: dict[str, str]
) -> None:
    answer = client.get(f"/api/v1/jobs/{claim.job_id}/text", query_string=query)
    assert answer.status_code == 400
