"""A COMMIT that is not answered, at each write of a job in turn: whether or not it had happened,
what the tables say in the end is what they say when nothing goes wrong."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from shared import jobs
from shared.db import Database
from shared.errors import RecognitionFailed
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.doubles.replayed_decoder import replay_decoders
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from tests.support.thorough import kinds_of_database
from worker import child_process
from worker.pipeline.plan_key import plan_key
from worker.recogniser import EMPTY_REQUEST, Pcm, RecognisedSpan, RecognitionRequest
from worker.supervision import retrying_store


class Commits:
    """Counts the commits of a database, and loses the answer to one of them."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._db = db
        self._commit: Callable[[Any], None] = db.engine.dialect.do_commit
        self.done = 0
        self.counting = False
        self._lost: int | None = None
        self._happens = True
        monkeypatch.setattr(db.engine.dialect, "do_commit", self._do_commit)

    def lose(self, number: int | None, *, happens: bool = True) -> None:
        """The `number`th from now on, from 1; `happens`: it takes place all the same."""
        self.done = 0
        self.counting = True
        self._lost = number
        self._happens = happens

    def _do_commit(self, connection: Any) -> None:
        if self.counting and threading.current_thread() is threading.main_thread():
            self.done += 1
            if self.done == self._lost:
                self._break(connection)
        self._commit(connection)

    def _break(self, connection: Any) -> None:
        if self._happens:
            self._commit(connection)
        if self._db.is_sqlite:
            if not self._happens:
                connection.rollback()
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        connection.dbapi_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.fixture(params=kinds_of_database("postgresql"))
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database; rather than a file one whose answer is lost on the way."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def commits(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Commits]:
    monkeypatch.setattr(retrying_store, "_PAUSE_S", 0.0)
    yield Commits(worker.db, monkeypatch)


class Refusing(StubRecogniser):
    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        if len(self.spans) == 1:
            raise RecognitionFailed
        return super().recognise(speech, request)


class Breaking(StubRecogniser):
    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        if len(self.spans) == 1:
            raise KeyError("something nobody foresaw")
        return super().recognise(speech, request)


class ToldToStop(StubRecogniser):
    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        child_process.shutdown.set()
        return super().recognise(speech, request)


def _of_another_plan(worker: Worker, recogniser: StubRecogniser) -> None:
    """An attempt before this one planned other spans, which this one drops."""
    claim = factories.claim(worker.db)
    strange = [jobs.PlannedSegment(0, 16_000, 0)]
    key = plan_key(worker.tools(recogniser), EMPTY_REQUEST)
    jobs.store_plan(worker.db, claim, key, strange, complete=False)
    jobs.release(worker.db, claim)


JOBS: dict[str, Callable[[], StubRecogniser]] = {
    "completed": StubRecogniser,
    "short of memory": lambda: StubRecogniser(out_of_memory_above_s=4.0),
    "another plan": StubRecogniser,
    "failed": Refusing,
    "to be retried": Breaking,
    "released": ToldToStop,
    "cancelled": StubRecogniser,
}


def run(worker: Worker, commits: Commits, job: str, lost: int | None, happens: bool) -> object:
    """Run a job with one answer lost; all that the tables then say of it."""
    from worker.tasks import transcribe_next

    child_process.shutdown.clear()
    recogniser = JOBS[job]()
    job_id = worker.submit(recording(6))
    if job == "another plan":
        _of_another_plan(worker, recogniser)
    tools = worker.tools(recogniser)
    tools.batch_sizer._fixed_s = 8.0
    if job == "cancelled":
        punctuate = recogniser.punctuate

        def cancelled_by_now(words: Sequence[str]) -> list[str]:
            commits.counting = False  # what a person asks is no write of the attempt
            jobs.cancel(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
            commits.counting = True
            return punctuate(words)

        recogniser.punctuate = cancelled_by_now  # type: ignore[method-assign]
    child_process._tools = tools
    commits.lose(lost, happens=happens)
    transcribe_next("test")
    commits.counting = False
    job_row = factories.row(worker.db, job_id)
    attempts = job_row.attempts
    history = jobs.get_history(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
    told = (
        job_row.status,
        job_row.stage,
        job_row.progress,
        job_row.failed_attempts,
        job_row.error_code,
        job_row.planned_segments,
        job_row.lease_expires_at,
        [
            (a.outcome, a.error_code, a.batches, a.speech_samples, a.padded_samples, a.oom_retries)
            for a in attempts
        ],
        [(event.kind, event.attempt) for event in history.events],
        len(recogniser.spans),
        worker.transcript(job_id) if job_row.status == "completed" else None,
    )
    if job_row.status in ("queued", "processing"):  # nothing is left for the next run to claim
        jobs.cancel(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
    return told


@pytest.mark.parametrize(
    ("job", "happens"),
    [(job, True) for job in JOBS] + [("completed", False), ("to be retried", False)],
)
def test_whichever_answer_is_lost_the_tables_end_up_the_same(
    worker: Worker, commits: Commits, monkeypatch: pytest.MonkeyPatch, job: str, happens: bool
) -> None:
    monkeypatch.setattr(child_process, "_tools", None)
    undisturbed = run(worker, commits, job, None, happens)
    writes = commits.done
    assert writes >= 6
    replay_decoders(monkeypatch)
    for lost in range(1, writes + 1):
        assert run(worker, commits, job, lost, happens) == undisturbed, f"write {lost} of {writes}"
