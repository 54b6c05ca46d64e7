"""The database goes away in mid-job and comes back: a PostgreSQL of the tests' own that is stopped
or frozen, real workers, and a lease that runs out long before it is back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from shared import postgresql
from shared.db import Database, is_unavailable
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.chaos.machinery.postgresql_server import PostgresqlServer, postgresql_server
from tests.chaos.machinery.promises import breaches
from tests.support.stack import Service, Stack, running, wait_for

OUT_S = 7.0
"""Longer than the lease of `Stack`, 4 s."""

GRACE_S = "5"
"""Seconds of grace of a sweep, and so for what holders have to renew their leases once the database
is back: a busy machine may need a second for each new connection."""

STALL_S = 10.0
"""Longer than a job is held before its database goes."""

UNDISTURBED = [(AttemptOutcome.COMPLETED, None)]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with postgresql_server() as made:
        yield made


@pytest.fixture
def database_url(server: PostgresqlServer) -> Iterator[str]:
    server.start()
    url = server.new_database()
    yield url
    server.start()
    server.thaw()
    server.drop(url)


@pytest.fixture
def outage_stack(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    env = {"LONGSCRIBE_SWEEP_S": GRACE_S}
    with running(Stack(tmp_path / "stack", database_url, env)) as installation:
        installation.start_redis()
        yield installation


@pytest.fixture
def faulty(outage_stack: Stack) -> Iterator[FaultyInstallation]:
    made = FaultyInstallation(outage_stack)
    yield made
    made.db.dispose()


def end(server: PostgresqlServer, how: str) -> None:
    if how == "stopped":
        server.stop()
    else:
        server.freeze()


def begin(server: PostgresqlServer, how: str) -> None:
    if how == "stopped":
        server.start()
    else:
        server.thaw()


def held_at(faulty: FaultyInstallation, fault: Fault, **env: str) -> tuple[Service, str]:
    """A worker, and its job, which waits at the fault's step."""
    worker = faulty.start_worker(**env)
    faulty.faults.arm(fault)
    job_id = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what=f"the job at {fault.step}")
    return worker, job_id


def go_through(
    faulty: FaultyInstallation, server: PostgresqlServer, how: str, fault: Fault, seconds: float
) -> None:
    """A job that is at `fault` when the database goes."""
    worker, job_id = held_at(faulty, fault)
    end(server, how)
    faulty.faults.release()
    time.sleep(seconds)
    assert faulty.stack.services[-1].process.poll() is None
    begin(server, how)
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == UNDISTURBED, worker.log
    assert faulty.step_log.repeated(job_id) == 0
    undisturbed = faulty.submit(recording())
    assert faulty.wait_until_over(undisturbed) == JobStatus.COMPLETED, worker.log
    first, second = faulty.texts([job_id, undisturbed])
    assert first == second != ""
    assert breaches(faulty.db) == []


HELD = {
    "after the claim": Fault(Step.CLAIMED, Action.HOLD),
    "before a batch's commit": Fault(Step.RECOGNISED, Action.HOLD, batch=3),
    "in recognition": Fault(Step.RECOGNISING, Action.HOLD, batch=3),
    "in punctuation": Fault(Step.PUNCTUATING, Action.HOLD),
    "before the transcript's commit": Fault(Step.FINISHING, Action.HOLD),
}


@pytest.mark.parametrize("where", ["before a batch's commit", "before the transcript's commit"])
def test_a_job_goes_on_after_an_outage_longer_than_its_lease(
    faulty: FaultyInstallation, server: PostgresqlServer, where: str
) -> None:
    go_through(faulty, server, "stopped", HELD[where], OUT_S)


def test_a_job_goes_on_when_a_frozen_server_thaws(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    go_through(faulty, server, "frozen", HELD["before a batch's commit"], OUT_S)


@pytest.mark.long
@pytest.mark.parametrize("how", ["stopped", "frozen"])
@pytest.mark.parametrize("where", HELD)
def test_half_a_minute_without_a_database_costs_a_job_nothing_but_time(
    faulty: FaultyInstallation, server: PostgresqlServer, how: str, where: str
) -> None:
    go_through(faulty, server, how, HELD[where], 30.0)


def test_a_doorbell_in_an_outage_is_answered_afterwards(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    worker = faulty.start_worker()
    faulty.faults.arm(Fault(Step.CLAIMING, Action.HOLD))
    job_id = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what="the claim")
    server.stop()
    faulty.faults.release()
    wait_for(lambda: "the database is unavailable" in worker.log, what="the outage to be seen")
    server.start()
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == UNDISTURBED


def test_an_attempt_that_waits_for_the_database_is_not_taken_for_one_that_hangs(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    fault = Fault(Step.RECOGNISED, Action.HOLD, batch=2)
    worker, job_id = held_at(faulty, fault, LONGSCRIBE_STALL_S=str(STALL_S))
    server.stop()
    faulty.faults.release()
    time.sleep(STALL_S + 4)
    server.start()
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == UNDISTURBED


def test_a_worker_told_to_stop_in_an_outage_ends_in_time_and_its_job_is_gone_on_with(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    fault = Fault(Step.RECOGNISED, Action.HOLD, batch=3)
    worker, job_id = held_at(faulty, fault, LONGSCRIBE_SOFT_SHUTDOWN_S="60")
    server.stop()
    faulty.faults.release()
    wait_for(lambda: "the database is unavailable" in worker.log, what="the outage to be seen")
    worker.kill(signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0, worker.log
    assert "received a stop signal while the database was unavailable" in worker.log
    server.start()
    other = faulty.start_worker("other")
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, other.log
    assert faulty.outcomes(job_id) == [
        (AttemptOutcome.LOST, "worker_lost"),
        (AttemptOutcome.COMPLETED, None),
    ]
    assert faulty.step_log.repeated(job_id) == 1
    assert breaches(faulty.db) == []


@pytest.mark.long
def test_a_worker_told_to_stop_before_a_frozen_server_ends_in_time(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    fault = Fault(Step.RECOGNISED, Action.HOLD, batch=3)
    worker, _ = held_at(faulty, fault, LONGSCRIBE_SOFT_SHUTDOWN_S="60")
    server.freeze()
    faulty.faults.release()
    time.sleep(2.0)
    worker.kill(signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0, worker.log


def test_in_an_outage_the_web_takes_nothing_and_says_so(
    faulty: FaultyInstallation, server: PostgresqlServer
) -> None:
    faulty.stack.start_web()
    server.stop()
    url = faulty.stack.url
    refused = requests.post(
        f"{url}/api/v1/jobs", files={"file": ("a.wav", recording(spans=1))}, timeout=60
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "database_unavailable")
    assert requests.get(f"{url}/readyz", timeout=60).status_code == 503
    assert requests.get(f"{url}/healthz", timeout=60).status_code == 200
    server.start()
    taken = requests.post(
        f"{url}/api/v1/jobs", files={"file": ("a.wav", recording(spans=1))}, timeout=60
    )
    assert taken.status_code == 202


class TestConnection:
    def test_a_statement_that_a_frozen_server_does_not_answer_ends_as_a_lost_connection(
        self, server: PostgresqlServer, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        db = Database(database_url)
        with db.reading() as session:
            session.execute(text("SELECT 1"))
            server.freeze()
            with (
                monkeypatch.context() as impatiently,
                pytest.raises(OperationalError, match="no answer") as caught,
            ):
                impatiently.setattr(postgresql, "ANSWER_S", 0.5)
                session.execute(text("SELECT 1"))
        assert caught.value.connection_invalidated and is_unavailable(caught.value)
        server.thaw()
        with db.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1
        db.dispose()

    def test_a_migration_may_take_its_time(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgresql, "ANSWER_S", 0.2)
        db = Database(database_url, impatient=False)
        with db.reading() as session:
            session.execute(text("SELECT pg_sleep(1)"))
        db.dispose()

    def test_a_transaction_of_a_client_that_fell_silent_gives_its_locks_to_others(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgresql, "_IDLE_MS", 300)
        db = Database(database_url)
        with pytest.raises(DBAPIError) as caught, db.writing() as session:
            session.execute(text("LOCK TABLE jobs"))
            time.sleep(1)
            session.execute(text("SELECT 1"))
        assert is_unavailable(caught.value)
        db.dispose()

    def test_a_backend_that_is_ended_is_an_outage_and_a_refused_statement_is_none(
        self, database_url: str
    ) -> None:
        db = Database(database_url)
        with db.reading() as session:
            pid = session.scalar(text("SELECT pg_backend_pid()"))
            with db.reading() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            with pytest.raises(DBAPIError) as ended:
                session.execute(text("SELECT 1"))
        assert is_unavailable(ended.value)
        for wrong in ("SELECT nothing FROM nowhere", "SELECT 1/0", "INSERT INTO jobs VALUES (1)"):
            with db.reading() as session, pytest.raises(DBAPIError) as refused:
                session.execute(text(wrong))
            assert not is_unavailable(refused.value)
        db.dispose()
