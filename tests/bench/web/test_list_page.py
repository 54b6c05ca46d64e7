"""What the list of jobs costs the server with two thousand jobs, and a search in their texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Job, Recording, SearchText
from tests.support import factories
from tests.support.web.web_app import database, make_app

pytestmark = pytest.mark.bench

JOBS = 2_000
MOST_S = 0.1
"""Most seconds of the server's time for the list."""

CHARACTERS_AN_HOUR = 15_000
"""Characters of an hour of Mandarin, at 250 a minute."""

TIMES = 10


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, log_level="WARNING")
    yield made
    database(made).dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def rows(app: Flask) -> Database:
    return database(app)


def least_s(ask: Callable[[], object]) -> float:
    """The least of several times: what is more is other programs on the machine."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return min(taken)


def report(what: str, db: Database, seconds: float) -> None:
    print(f"{what:<46} {db.engine.dialect.name:<11} {1000 * seconds:6.1f} ms")


def measure(
    client: FlaskClient, db: Database, what: str, monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """The whole page and its fragment, each with a forecast that was kept and one made anew."""
    found = []
    for path in ("/", "/fragments/jobs", "/api/v1/jobs"):
        kept = least_s(lambda path=path: client.get(path))  # type: ignore[misc]
        report(f"{what}: {path}", db, kept)
        with monkeypatch.context() as patch:
            patch.setattr("shared.jobs.eta.queue_positions._KEPT_S", 0.0)
            anew = least_s(lambda path=path: client.get(path))  # type: ignore[misc]
        report(f"{what}: {path}, forecast made anew", db, anew)
        found += [kept, anew]
    version = client.get("/fragments/jobs").headers["ETag"]
    unchanged = least_s(lambda: client.get("/fragments/jobs", headers={"If-None-Match": version}))
    report(f"{what}: fragment, nothing changed", db, unchanged)
    return [*found, unchanged]


def test_two_thousand_waiting_jobs_are_listed_within_a_tenth_of_a_second(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.learn(rows, speed=10)
    factories.a_worker(rows)
    submit_many(rows)
    factories.claim(rows)
    assert max(measure(client, rows, "2,000 waiting", monkeypatch)) < MOST_S


def test_two_thousand_transcripts_of_an_hour_are_listed_and_searched(
    client: FlaskClient, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcribe(rows)
    assert max(measure(client, rows, "2,000 ended", monkeypatch)) < MOST_S
    for what, query in (
        ("search, in every text", "一丁"),
        ("search, in none", "不存在的话"),
        ("search, two words in none", "zzz 一丁"),
    ):
        taken = least_s(lambda query=query: client.get(f"/api/v1/jobs?limit=25&q={query}"))  # type: ignore[misc]
        report(what, rows, taken)
        assert taken < 1.0


def submit_many(db: Database) -> list[str]:
    """Jobs as `jobs.submit` makes them, in one transaction and without their first event."""
    with db.writing() as session:
        made = [
            Job(
                owner_id=LOCAL_OWNER,
                recording=Recording(
                    owner_id=LOCAL_OWNER,
                    blob_key=f"{n}",
                    filename=f"meeting {n}.wav",
                    size_bytes=10**7,
                    sha256=f"{n}",
                    estimated_s=3600.0,
                ),
                request_digest=f"{n}",
            )
            for n in range(JOBS)
        ]
        session.add_all(made)
        session.flush()
        return [job.id for job in made]


def transcribe(db: Database) -> None:
    """Jobs with texts of an hour each. They are cancelled ones, which are quickly made; a search
    asks nothing of the state."""
    ids = submit_many(db)
    jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=ids)
    chance = random.Random(1)
    common = [chr(0x4E00 + n) for n in range(3_000)]
    weights = [1 / (n + 1) for n in range(3_000)]
    texts = []
    for _ in range(50):
        said = "".join(chance.choices(common, weights, k=CHARACTERS_AN_HOUR))
        texts.append("\n".join(said[n : n + 25] + "。" for n in range(0, len(said), 25)))
    for start in range(0, JOBS, 100):
        with db.writing() as session:
            session.execute(
                insert(SearchText),
                [
                    {"job_id": job_id, "folded": text, "text": text}
                    for n, job_id in enumerate(ids[start : start + 100])
                    for text in [texts[n % len(texts)]]
                ],
            )
