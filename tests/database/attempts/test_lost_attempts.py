"""An attempt whose lease or fence is gone writes nothing, and its job goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import jobs
from shared.db import Database
from shared.errors import (
    Cancelled,
    FenceLost,
    InternalError,
    Stalled,
    UnsupportedMedia,
)
from shared.jobs.events import NewEvent
from shared.jobs.transition import move
from shared.models import LOCAL_OWNER, StoredTranscript
from shared.states import AttemptOutcome, EventKind, JobStatus, Stage
from tests.support import factories, reports
from tests.support.factories import PLAN_KEY, TRANSCRIPT, count, expire_lease, view

PLAN = [jobs.PlannedSegment(0, 16_000, 0), jobs.PlannedSegment(20_000, 30_000, 1)]
FIRST = jobs.RecognisedSegment(0, 16_000, 0, [("好", 0.1, 0.3, 0.97)])
RECOGNITION = jobs.Recognition(12.5, ["damaged_audio_skipped"], reports.FULL)
SECOND = jobs.RecognisedSegment(20_000, 30_000, 1, [])


WRITES: dict[str, Callable[[Database, jobs.Claim], object]] = {
    "heartbeat": lambda db, claim: jobs.heartbeat(db, claim),
    "stage": lambda db, claim: jobs.set_stage(db, claim, Stage.SAVING, progress=0.9),
    "plan": lambda db, claim: jobs.store_plan(db, claim, "x", PLAN, complete=True),
    "batch": lambda db, claim: jobs.save_batch(db, claim, [], progress=0.9),
    "length": lambda db, claim: jobs.set_stage(db, claim, Stage.DECODING, duration_s=9.0),
    "size": lambda db, claim: jobs.note_batch_choice(db, claim, factories.CHOICE),
    "drop": lambda db, claim: jobs.drop_plan(db, claim),
    "oom": lambda db, claim: jobs.record_oom_retry(db, claim, 10),
    "recognition": lambda db, claim: jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION),
    "marks": lambda db, claim: jobs.store_marks(db, claim, PLAN_KEY, ["。"]),
    "finish": lambda db, claim: jobs.finish(db, claim, TRANSCRIPT),
    "fail": lambda db, claim: jobs.fail(db, claim, UnsupportedMedia()),
    "release": lambda db, claim: jobs.release(db, claim),
    "give back": lambda db, claim: jobs.give_back(
        db, claim, InternalError(), delay_s=0, longest_delay_s=9, length_s=9.0
    ),
    "retry": lambda db, claim: jobs.retry_later(
        db, claim, InternalError(), max_attempts=3, delay_s=0
    ),
}


class TestFence:
    @pytest.mark.parametrize("write", WRITES)
    def test_the_old_holder_of_a_job_writes_nothing(self, db: Database, write: str) -> None:
        job_id = factories.submit(db)
        old = factories.claim(db)
        jobs.store_plan(db, old, PLAN_KEY, [], complete=True)
        expire_lease(db, job_id)
        assert [reaped.status for reaped in jobs.expire_leases(db, max_attempts=3)] == [
            JobStatus.QUEUED
        ]
        new = factories.claim(db)
        before = factories.row(db, job_id)
        told = factories.told(db, job_id)
        with pytest.raises(FenceLost):
            WRITES[write](db, old)
        assert factories.told(db, job_id) == told
        after = factories.row(db, job_id)
        for name in ("status", "fence", "stage", "progress", "lease_expires_at", "plan_key"):
            assert getattr(after, name) == getattr(before, name), name
        assert count(db, StoredTranscript) == 0
        jobs.heartbeat(db, new)

    @pytest.mark.parametrize("write", WRITES)
    def test_an_attempt_at_a_cancelled_job_is_told_so(self, db: Database, write: str) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
        told = factories.told(db, job_id)
        with pytest.raises(Cancelled):
            WRITES[write](db, claim)
        assert factories.told(db, job_id) == told
        jobs.cancelled(db, claim)
        assert factories.status_of(db, job_id) == JobStatus.CANCELLED

    def test_a_finished_job_cannot_be_finished_again(self, db: Database) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        factories.complete(db, claim)
        with pytest.raises(FenceLost):
            jobs.finish(db, claim, TRANSCRIPT)

    def test_the_status_cannot_be_assigned(self, db: Database) -> None:
        job = factories.row(db, factories.submit(db))
        with pytest.raises(AttributeError, match=r"shared\.jobs"):
            job.status = JobStatus.COMPLETED

    def test_a_move_that_the_table_does_not_know_is_a_mistake_in_the_program(
        self, db: Database
    ) -> None:
        with db.writing() as session, pytest.raises(ValueError, match="never moves"):
            move(session, "x", JobStatus.QUEUED, JobStatus.COMPLETED)

    def test_no_status_changes_without_an_event_that_tells_of_it(self, db: Database) -> None:
        with db.writing() as session:
            with pytest.raises(ValueError, match="no event says"):
                move(session, "x", JobStatus.QUEUED, JobStatus.CANCELLED)
            finished = NewEvent(EventKind.COMPLETED)
            with pytest.raises(ValueError, match="no event says"):
                move(session, "x", JobStatus.QUEUED, JobStatus.CANCELLED, finished)


def stall(db: Database, claim: jobs.Claim) -> JobStatus | None:
    return jobs.end_lost_attempt(
        db, job_id=claim.job_id, fence=claim.fence, error=Stalled(), max_attempts=2
    )


class TestLeaseExpiry:
    def test_a_living_lease_is_left_alone(self, db: Database) -> None:
        factories.submit(db)
        factories.claim(db)
        assert jobs.expire_leases(db, max_attempts=3) == []

    def test_a_job_lost_three_times_is_failed_and_the_others_go_on(self, db: Database) -> None:
        poison = factories.submit(db, priority=1)
        other = factories.submit(db)
        for _ in range(3):
            assert factories.claim(db).job_id == poison
            expire_lease(db, poison)
            jobs.expire_leases(db, max_attempts=3)
        shown = view(db, poison)
        assert shown.job.status == JobStatus.FAILED
        assert shown.job.error_code == "worker_lost"
        assert [a.outcome for a in shown.job.attempts] == [AttemptOutcome.LOST] * 3
        assert factories.claim(db).job_id == other

    def test_a_cancelled_job_whose_worker_died_is_cancelled(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.CANCELLING)
        expire_lease(db, job_id)
        jobs.expire_leases(db, max_attempts=3)
        assert factories.status_of(db, job_id) == JobStatus.CANCELLED

    def test_an_attempt_known_to_have_stalled_is_taken_back_before_its_lease_ends(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        ends = [JobStatus.QUEUED, JobStatus.FAILED]
        for end in ends:
            claim = factories.claim(db)
            assert stall(db, claim) == end
            assert stall(db, claim) is None  # it holds the job no more
            with pytest.raises(FenceLost):
                jobs.heartbeat(db, claim)
        job = factories.row(db, job_id)
        assert (job.status, job.error_code) == (JobStatus.FAILED, "stalled")
        assert "LONGSCRIBE_STALL_S" in (job.error_message or "")
        assert job.failed_attempts == 2
        assert [a.outcome for a in job.attempts] == [AttemptOutcome.LOST] * 2
        assert [a.error_code for a in job.attempts] == ["stalled"] * 2
        assert all(a.ended_at and a.error_message for a in job.attempts)

    def test_a_stalled_attempt_whose_lease_ran_out_meanwhile_changes_nothing(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        stalled = factories.claim(db)
        expire_lease(db, job_id)
        jobs.expire_leases(db, max_attempts=3)
        factories.claim(db)
        assert stall(db, stalled) is None
        assert factories.status_of(db, job_id) == JobStatus.PROCESSING

    def test_a_cancelled_job_whose_attempt_stalled_is_cancelled(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
        assert stall(db, claim) == JobStatus.CANCELLED

    def test_two_sweeps_take_a_job_back_once(self, db: Database) -> None:
        job_ids = [factories.submit(db) for _ in range(10)]
        for _ in job_ids:
            factories.claim(db)
        for job_id in job_ids:
            expire_lease(db, job_id)
        barrier = threading.Barrier(2)

        def sweep(_: int) -> list[jobs.Expired]:
            barrier.wait()
            return jobs.expire_leases(db, max_attempts=3)

        with ThreadPoolExecutor(2) as pool:
            reaped = [found.job_id for both in pool.map(sweep, range(2)) for found in both]
        assert sorted(reaped) == sorted(job_ids)
        assert all(factories.row(db, job_id).failed_attempts == 1 for job_id in job_ids)
        for job_id in job_ids:
            assert factories.told(db, job_id) == [("submitted", None), ("claimed", 1), ("lost", 1)]
