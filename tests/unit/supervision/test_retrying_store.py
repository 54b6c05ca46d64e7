"""How an attempt behaves while its database is out."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from shared import jobs
from shared.db import Database
from shared.errors import Cancelled
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.stack import wait_for
from worker.supervision import retrying_store
from worker.supervision.heartbeat import Heartbeat, ShutdownRequested
from worker.supervision.liveness import Liveness
from worker.supervision.retrying_store import (
    FinalWriteDeadline,
    RetryingStore,
    retry_while_unavailable,
)


def out() -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("connection refused"))


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying_store, "_PAUSE_S", 0.0)


class TestWaiting:
    def test_it_is_tried_until_the_database_answers(self) -> None:
        tries: list[Exception] = [out() for _ in range(5)]

        def answers() -> str:
            if tries:
                raise tries.pop()
            return "answer"

        assert retry_while_unavailable(answers, lambda: None) == "answer"

    def test_what_the_database_refuses_is_not_tried_again(self) -> None:
        tries = []

        def wrong() -> None:
            tries.append(1)
            raise ProgrammingError("SELEKT", {}, Exception("syntax error"))

        with pytest.raises(ProgrammingError):
            retry_while_unavailable(wrong, lambda: None)
        assert len(tries) == 1

    def test_an_attempt_that_waits_notes_progress_and_stops_when_it_must(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noted = []
        liveness = Liveness(None, job_id="", fence=0, stall_s=1)
        monkeypatch.setattr(liveness, "note_progress", lambda: noted.append(1))

        def check() -> None:
            if len(noted) == 7:
                raise ShutdownRequested

        def never(db: Database, claim: jobs.Claim) -> None:
            raise out()

        claim = jobs.Claim("j", 1, 1, 4.0, "local", "key", "name", {})
        store = RetryingStore(None, claim, check, liveness)  # type: ignore[arg-type]
        with pytest.raises(ShutdownRequested):
            store.write(never)
        assert len(noted) == 7

    def test_the_final_write_waits_for_the_database_until_some_seconds_after_a_stop_signal(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s = 0.0
        monkeypatch.setattr(retrying_store.time, "monotonic", lambda: now_s)
        stop = threading.Event()
        check = FinalWriteDeadline(stop, soft_shutdown_s=16)
        now_s = 1000.0
        check()
        stop.set()
        check()
        now_s = 1003.9
        check()
        now_s = 1004.0
        with pytest.raises(ShutdownRequested):
            check()


class TestHeartbeat:
    def test_an_outage_longer_than_the_lease_does_not_end_the_attempt(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db, lease_s=0.05)
        tries = []

        def refused(*_: object) -> None:
            tries.append(1)
            raise out()

        def renew() -> None:
            jobs.heartbeat(db, claim)

        with Heartbeat(renew, interval_s=0.02, shutdown=threading.Event()) as beating:
            with monkeypatch.context() as patched:
                patched.setattr(jobs, "heartbeat", refused)
                wait_for(lambda: len(tries) > 10, what="an outage of four leases")
                beating.check()
            before = factories.row(db, job_id).lease_expires_at
            assert before is not None
            wait_for(
                lambda: (factories.row(db, job_id).lease_expires_at or before) > before,
                what="the lease to be renewed",
            )
            beating.check()
            jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)

            def told() -> bool:
                try:
                    beating.check()
                except Cancelled:
                    return True
                return False

            wait_for(told, what="the cancel to be heard")
