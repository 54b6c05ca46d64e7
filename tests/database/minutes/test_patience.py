"""The process that writes minutes ends nobody's lease for an outage of the database."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from shared.db import Database, database_now
from shared.minutes import minutes_queue, requests
from shared.minutes.prompts import prompts_of_request
from shared.models import LOCAL_OWNER, MinutesRequest
from shared.settings import Settings
from shared.states import JobStatus, MinutesStatus
from tests.support import factories
from tests.support.stack import wait_for
from worker.minutes.process import MinutesProcess


class Clock:
    now_s = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now_s)
    return made


@pytest.fixture
def process(db: Database, tmp_path: Path) -> MinutesProcess:
    """A process that looks for lost requests when a test lets it."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=db.engine.url.render_as_string(hide_password=False),  # type: ignore[arg-type]
        heartbeat_s=1,
        sweep_s=0.5,
        minutes_url="http://127.0.0.1:9/v1",
        minutes_model="small",
    )
    return MinutesProcess(settings)


def an_expired_request(db: Database) -> str:
    """A request whose process holds it by a lease that ran out."""
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    prompts = prompts_of_request("zh", {})
    requests.ask(db, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts=prompts)
    assert minutes_queue.claim_next(db, worker="w", lease_s=60, model="small", host="h")
    expire(db)
    return job_id


def expire(db: Database) -> None:
    with db.writing() as session:
        session.execute(update(MinutesRequest).values(lease_expires_at=database_now(-1)))


def status(db: Database, job_id: str) -> MinutesStatus:
    return requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id).status


def look(process: MinutesProcess) -> None:
    process._bring_lost_back()


def test_holders_have_the_time_of_a_heartbeat_after_an_outage(
    process: MinutesProcess, db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(process)
    clock.now_s += 60
    asleep: list[float] = []
    monkeypatch.setattr(process, "_wait", process.stop)
    monkeypatch.setattr(process._shutdown, "wait", asleep.append)
    with monkeypatch.context() as outage:

        def out(*args: object, **values: object) -> None:
            outage.undo()
            raise OperationalError("SELECT", {}, Exception("connection refused"))

        outage.setattr(minutes_queue, "lease_clock", out)
        process.run()
    assert asleep
    job_id = an_expired_request(db)
    for _ in range(2):
        look(process)
        assert status(db, job_id) is MinutesStatus.RUNNING
        clock.now_s += 0.9
    clock.now_s += 0.3
    look(process)
    assert status(db, job_id) is MinutesStatus.QUEUED


def test_one_that_has_just_started_is_as_patient_and_a_late_answer_is_an_outage(
    process: MinutesProcess, db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = an_expired_request(db)
    look(process)
    assert status(db, job_id) is MinutesStatus.RUNNING
    clock.now_s += 60
    lease_clock = minutes_queue.lease_clock
    with monkeypatch.context() as frozen:

        def late(database: Database) -> object:
            clock.now_s += 5
            return lease_clock(database)

        frozen.setattr(minutes_queue, "lease_clock", late)
        look(process)
    assert status(db, job_id) is MinutesStatus.RUNNING
    clock.now_s += 2.1
    look(process)
    assert status(db, job_id) is MinutesStatus.QUEUED


def test_a_heartbeat_that_failed_tells_of_an_outage_and_what_ran_out_since_is_left(
    process: MinutesProcess, db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(process)
    clock.now_s += 60
    job_id = an_expired_request(db)
    with monkeypatch.context() as outage:

        def out(*args: object, **values: object) -> None:
            raise OperationalError("UPDATE", {}, Exception("connection refused"))

        outage.setattr(minutes_queue, "heartbeat", out)
        with pytest.raises(OperationalError):
            process._renew(minutes_queue.MinutesClaim("r", job_id, LOCAL_OWNER, "zh", {}, 1, 60))
    look(process)
    assert status(db, job_id) is MinutesStatus.RUNNING
    clock.now_s += 60
    seen_at = minutes_queue.lease_clock(db)
    with db.writing() as session:
        session.execute(update(MinutesRequest).values(lease_expires_at=database_now(0.001)))
    wait_for(lambda: _expired(db), what="the lease to run out")
    assert minutes_queue.expire_leases(db, expired_before=seen_at) == []
    assert minutes_queue.expire_leases(db) != []


def _expired(db: Database) -> bool:
    past = MinutesRequest.lease_expires_at < database_now()
    with db.reading() as session:
        return bool(session.scalar(select(MinutesRequest.id).where(past)))
