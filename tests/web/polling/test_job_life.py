"""Whatever happens to a job, the next poll tells it; until something does, it is told nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, DateTime, Float, Integer, String, Text, event, update

from shared import jobs
from shared.db import Database, UtcDateTime, database_now
from shared.errors import UnsupportedMedia, WorkerLost
from shared.jobs.queries import stored_state
from shared.models import LOCAL_OWNER, Attempt, Job, Recording, WorkerSeen
from shared.models.base import Base
from shared.states import JobStatus, Stage
from shared.transcripts.corrections import correct
from tests.support import factories
from tests.support.web.web_app import database
from tests.web.polling.conftest import Polls


@pytest.fixture
def rows(polls: Polls) -> Database:
    return database(polls.client.application)


def address(job_id: str) -> str:
    return f"/api/v1/jobs/{job_id}"


def test_each_event_of_a_life_is_told_at_once(polls: Polls, rows: Database) -> None:
    factories.submit(rows)
    job_id = factories.submit(rows)
    factories.submit(rows, priority=-5)  # waits to the end, so that no list is empty
    paths = [address(job_id), "/api/v1/jobs", "/api/v1/jobs?limit=1", "/api/v1/jobs?status=queued"]
    claims: list[jobs.Claim] = []

    def claim() -> None:
        claims.append(factories.claim(rows))

    def stage() -> None:
        jobs.set_stage(rows, claims[-1], Stage.DECODING, progress=0.1, duration_s=12.5)

    def batch_that_did_not_fit() -> None:
        jobs.record_oom_retry(rows, claims[-1], 150.0)

    def copy_to_listen_to() -> None:
        jobs.plan_playable_copy(rows, claims[-1], "ab/copy")
        copy = jobs.PlayableCopy("ab/copy", 1000, "audio/mp4")
        jobs.store_playable_copy(rows, claims[-1], copy)

    def ask(what: Callable[..., object]) -> Callable[[], object]:
        return lambda: what(rows, owner_id=LOCAL_OWNER, job_id=job_id)

    life: list[tuple[Callable[[], object], bool]] = [
        # What happens, and whether the answer about the job differs.
        (lambda: factories.a_worker(rows), True),
        (claim, True),  # of the job before it: its place changes
        (lambda: jobs.fail(rows, claims[-1], UnsupportedMedia()), False),
        (claim, True),
        (lambda: jobs.heartbeat(rows, claims[-1]), False),
        (stage, True),
        (lambda: factories.recognise(rows, claims[-1]), True),
        (batch_that_did_not_fit, True),
        (lambda: jobs.release(rows, claims[-1]), True),
        (claim, True),
        (lambda: jobs.retry_later(rows, claims[-1], WorkerLost(), delay_s=0, max_attempts=3), True),
        (claim, True),
        (ask(jobs.cancel), True),
        (lambda: jobs.cancelled(rows, claims[-1]), True),
        (ask(jobs.retry), True),
        (claim, True),
        (lambda: jobs.fail(rows, claims[-1], UnsupportedMedia()), True),
        (ask(jobs.retry), True),
        (claim, True),
        (copy_to_listen_to, True),
        (lambda: factories.complete(rows, claims[-1]), True),
        (lambda: factories.submit(rows), False),
    ]
    for path in paths:
        polls.ask(path)
    for number, (happen, differs) in enumerate(life):
        for path in paths:
            polls.ask(path)
            assert polls.is_remembered(path), (number, path)
        happen()
        answers = {path: polls.ask(path).status_code for path in paths}
        assert (answers[address(job_id)] == 200) is differs, number
    factories.delete(rows, job_id)
    assert polls.ask(address(job_id)).status_code == 404
    assert polls.ask("/api/v1/jobs").status_code == 200


def test_a_part_of_a_page_tells_events_and_corrections(polls: Polls, rows: Database) -> None:
    job_id = factories.submit(rows)
    path = f"/fragments/jobs/{job_id}"
    polls.settle(path)
    claimed = factories.claim(rows)
    assert "A worker took the job." in polls.ask(path).text
    jobs.drop_plan(rows, claimed)
    factories.complete(rows, claimed)
    assert "大家好。" in polls.ask(path).text
    polls.settle(path)
    correct(rows, owner_id=LOCAL_OWNER, job_id=job_id, n=0, text="大家早。", revision=0)
    assert "大家早。" in polls.ask(path).text


def test_a_worker_that_falls_silent_is_told(polls: Polls, rows: Database) -> None:
    factories.a_worker(rows)
    job_id = factories.submit(rows)
    polls.settle(address(job_id))
    with rows.writing() as session:
        session.execute(update(WorkerSeen).values(seen_at=database_now(-86_400)))
    assert polls.ask(address(job_id)).json["workers_alive"] == 0  # type: ignore[index]


def test_the_places_in_the_queue_are_read_once_for_all(
    polls: Polls, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [factories.submit(rows) for _ in range(3)]
    for job_id in ids:
        polls.settle(address(job_id))
    monkeypatch.setattr("shared.jobs.eta.recent_positions.FRESH_S", 3600.0)
    assert polls.is_remembered(address(ids[0]))  # the last that is read
    statements: list[str] = []
    engine = rows.engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    seen = {job_id: {"If-None-Match": polls.seen[address(job_id)]} for job_id in ids}
    for job_id in ids:
        assert polls.client.get(address(job_id), headers=seen[job_id]).status_code == 304
    assert statements == []
    factories.claim(rows)
    # Of itself each job is told at once; what that changes for others, once the queue is read.
    assert polls.client.get(address(ids[0]), headers=seen[ids[0]]).status_code == 200
    assert polls.client.get(address(ids[1]), headers=seen[ids[1]]).status_code == 304


def test_an_answer_is_made_anew_after_a_while_whatever_is_known(
    polls: Polls, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.jobs.views.API_MAX_AGE_S", 0.0)
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    polls.ask(address(job_id))
    assert not polls.is_remembered(address(job_id))
    assert not polls.is_remembered(address(job_id))


def test_what_happens_while_an_answer_is_made_is_told_by_the_next(
    polls: Polls, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = factories.submit(rows)
    polls.settle(address(job_id))
    claimed = factories.claim(rows)
    get_job, progress = jobs.get_job, [0.1, 0.2]

    def read_and_move_on(*given: Any, **named: Any) -> jobs.JobView:
        view = get_job(*given, **named)
        jobs.set_stage(rows, claimed, Stage.DECODING, progress=progress.pop(0))
        return view

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "get_job", read_and_move_on)
        seen = {"If-None-Match": polls.seen[address(job_id)]}
        stale = polls.client.get(address(job_id), headers=seen)
    assert stale.json["progress"] == 0.0  # type: ignore[index]
    polls.seen[address(job_id)] = stale.headers["ETag"]
    assert polls.ask(address(job_id)).json["progress"] == 0.1  # type: ignore[index]


# --- what is compared ---------------------------------------------------------------------------

_OTHER_VALUES: dict[str, Any] = {
    "status": None,  # changes by transitions only
    "stage": Stage.SAVING.value,
    "progress": 0.9,
    "limited_by": "memory",
    "outcome": "lost",
    "options": {"metadata": {"project": "x"}},
    "warnings": ["no_speech"],
    "recording_report": None,
    "people": ["张三"],
    "tags": ["预算"],
    "fence": None,  # a part of other rows' keys
}


def _other(column: Any) -> Any:
    if column.name in _OTHER_VALUES:
        return _OTHER_VALUES[column.name]
    kind = column.type
    if isinstance(kind, Date):
        return date(2020, 1, 1)
    if isinstance(kind, UtcDateTime | DateTime):
        return datetime.fromisoformat("2020-01-01T00:00:00+00:00") + timedelta(hours=1)
    if isinstance(kind, Boolean):
        return ~column
    if isinstance(kind, Integer | Float):
        return 7
    assert isinstance(kind, String | Text), column
    return "other"


@pytest.mark.parametrize("table", [Job, Recording, Attempt])
def test_whichever_column_changes_the_answer_is_the_whole_ones(
    table: type[Base], polls: Polls, rows: Database
) -> None:
    job_id = factories.submit(rows)
    claimed = factories.claim(rows)
    factories.recognise(rows, claimed)
    path = address(job_id)
    polls.settle(path)
    differed = set()
    for column in table.__table__.columns:
        value = _other(column)
        if value is None or column.primary_key or column.foreign_keys:
            continue
        if column.name == "owner_id":
            continue
        with rows.writing() as session:
            session.execute(update(table.__table__).values({column: value}))
        if polls.ask(path).status_code == 200:  # equal to the other application's
            differed.add(column.name)
        polls.ask(path)
    assert differed
    assert not differed & stored_state._NOT_SHOWN[table]


def test_an_answer_reads_no_table_that_is_not_compared(polls: Polls, rows: Database) -> None:
    """A new table that an answer tells of belongs into `stored_state` or `recent_positions`."""
    job_id = factories.submit(rows)
    statements: list[str] = []
    event.listen(rows.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for path in (address(job_id), "/api/v1/jobs", f"/fragments/jobs/{job_id}"):
        polls.client.get(path)
    words = {word for text in statements for word in re.findall(r"[a-z_]+", text)}
    assert words & set(Base.metadata.tables) <= {
        *("jobs", "recordings", "attempts", "events", "annotation_edits"),  # in stored_state
        "sharing_events",  # likewise
        *("workers", "turns", "tallies"),  # in recent_positions
    }
