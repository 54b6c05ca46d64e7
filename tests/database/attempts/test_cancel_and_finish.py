"""A job that is cancelled and finished at the same moment ends in one of the two."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from shared import jobs
from shared.db import Database
from shared.errors import Cancelled, IllegalTransition
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.chaos.machinery.promises import breaches
from tests.support import factories
from tests.support.factories import PLAN_KEY, TRANSCRIPT

RACES = 200


def test_of_cancel_and_finish_at_the_same_moment_one_wins(db: Database) -> None:
    """Two threads, again and again: completed and not cancelled, or the reverse."""

    def race(pool: ThreadPoolExecutor) -> JobStatus:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        both_ready = threading.Barrier(2)

        def finish() -> bool:
            both_ready.wait()
            try:
                jobs.finish(db, claim, TRANSCRIPT)
            except Cancelled:
                jobs.cancelled(db, claim)
                return False
            return True

        def ask() -> bool:
            both_ready.wait()
            try:
                return jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id) == JobStatus.CANCELLING
            except IllegalTransition:
                return False

        finished, asked = pool.submit(finish), pool.submit(ask)
        assert finished.result() != asked.result()
        status = factories.status_of(db, job_id)
        assert status == (JobStatus.COMPLETED if finished.result() else JobStatus.CANCELLED)
        return status

    with ThreadPoolExecutor(2) as pool:
        ends = [race(pool) for _ in range(RACES)]
    print(f"\n{ends.count(JobStatus.CANCELLED)} of {RACES} races were won by the cancellation")
    assert breaches(db) == []
