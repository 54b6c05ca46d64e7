"""A list of thousands of jobs costs as many statements as one of two, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Job
from shared.states import JobStatus
from tests.support import factories, reports
from tests.support.databases.sqlite import migrated_file
from tests.support.people import an_admin, quick_hashes, signed_in
from tests.support.web.web_app import database, make_app

MOST = 5
"""The most statements that a list of jobs may take."""

MOST_OF = {"/": MOST + 2}
"""The page with the form asks which models it may offer, and which searches are saved."""


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(conn, cursor, statement, *rest):  # type: ignore[no-untyped-def]
        if statement != "BEGIN":  # which PostgreSQL's driver sends by itself, uncounted
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def asked(client: FlaskClient, rows: Database) -> Callable[[str], int]:
    """Count the SQL statements of a request."""

    def ask(path: str) -> int:
        with statements(rows) as sent:
            assert client.get(path).status_code == 200
        return len(sent)

    return ask


@pytest.mark.parametrize("path", ["/", "/fragments/jobs", "/api/v1/jobs", "/api/v1/jobs?limit=200"])
def test_a_list_takes_five_statements_whatever_waits_and_runs(
    rows: Database, asked: Callable[[str], int], path: str
) -> None:
    factories.learn(rows, speed=10)
    factories.a_worker(rows)
    for _ in range(3):
        factories.submit(rows)
        factories.claim(rows)
    for owner_id in (LOCAL_OWNER, "b"):
        factories.submit(rows, owner_id=owner_id)
    few = asked(path)
    for number in range(60):
        factories.submit(rows, owner_id=LOCAL_OWNER if number % 2 else "b")
    assert asked(path) <= few <= MOST_OF.get(path, MOST)


def test_a_list_takes_two_more_when_more_wait_than_are_played_forward(
    rows: Database, asked: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 2)
    factories.a_worker(rows)
    for _ in range(5):
        factories.submit(rows)
    # The last two: places near the front are looked for, and those further back read otherwise.
    assert asked("/fragments/jobs") <= MOST + 2


@pytest.mark.parametrize("path", ["/", "/fragments/jobs", "/api/v1/jobs"])
def test_a_list_takes_no_more_for_somebody_who_signed_in_but_for_the_form(
    database_url: str, tmp_path: Path, path: str
) -> None:
    app = make_app(database_url, tmp_path, sign_in="required")
    rows = database(app)
    with quick_hashes():
        anna = an_admin(rows)
        client = signed_in(app, anna.name)
    factories.learn(rows, speed=10)
    factories.a_worker(rows)
    for owner_id in (anna.id, "b", anna.id):
        factories.submit(rows, owner_id=owner_id)
    factories.claim(rows)
    with statements(rows) as sent:
        answer = client.get(path)
    rows.dispose()
    assert answer.status_code == 200
    # The form asks the groups of whoever signed in for how long they keep what is sent.
    assert len(sent) <= MOST_OF.get(path, MOST) + (path == "/"), sent


def test_a_search_takes_another_for_finding_and_one_for_showing(
    rows: Database, asked: Callable[[str], int]
) -> None:
    factories.learn(rows, speed=10, filename="done.wav")
    factories.a_worker(rows)
    for number in range(4):
        factories.submit(rows, filename=f"{number}.wav")
    assert asked("/api/v1/jobs?q=wav") <= MOST + 1


def test_a_forecast_is_not_made_again_until_something_happens(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.jobs.eta.queue_positions._KEPT_S", 3600.0)
    factories.learn(db, speed=10)
    factories.a_worker(db)
    first, second = factories.submit_lasting(db, 60), factories.submit_lasting(db, 60)

    def shown() -> tuple[dict[str, float | None], int]:
        with statements(db) as sent:
            page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, statuses=[JobStatus.QUEUED])
        return {view.job.id: view.eta_s for view in page.jobs}, len(sent)

    made, cost = shown()
    kept, cheaper = shown()
    assert made == kept == {first: pytest.approx(6), second: pytest.approx(12)}
    assert cheaper < cost
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=first)
    assert shown() == ({second: pytest.approx(6)}, cost)
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=first)
    assert shown()[0] == {second: pytest.approx(6), first: pytest.approx(12)}
    factories.delete(db, second)
    assert shown()[0] == {first: pytest.approx(6)}
    claimed = factories.claim(db)
    last = factories.submit_lasting(db, 60)
    assert shown()[0] == {last: pytest.approx(12)}
    with db.writing() as session:  # as a batch does, without an event
        session.execute(update(Job).where(Job.id == claimed.job_id).values(progress=0.5))
    assert (shown()[0][last] or 99) < 11


def test_two_databases_do_not_share_a_forecast(db: Database, tmp_path: Path) -> None:
    url = migrated_file(tmp_path / "other.db")
    other = Database(url)
    for each in (db, other):
        factories.submit(each)
        [view] = jobs.list_jobs(each, owner_id=LOCAL_OWNER).jobs
        assert view.queue_position == 1
    other.dispose()


@pytest.mark.parametrize("path", ["/", "/fragments/jobs", "/api/v1/jobs", "/api/v1/jobs?q=会议"])
def test_no_list_loads_what_was_in_the_recordings(
    client: FlaskClient, rows: Database, path: str
) -> None:
    factories.submit(rows)
    factories.complete(rows, factories.claim(rows), report=reports.FULL)
    with statements(rows) as sent:
        assert client.get(path).status_code == 200
    assert not [statement for statement in sent if "recording_report" in statement]
