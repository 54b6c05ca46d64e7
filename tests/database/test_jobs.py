"""The queue's promises to those who submit, claim, ask and read, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db import Database, database_now
from shared.errors import (
    Cancelled,
    IdempotencyKeyReused,
    IllegalTransition,
    JobNotFound,
    TranscriptNotReady,
)
from shared.models import (
    LOCAL_OWNER,
    Attempt,
    Base,
    Job,
    Recording,
    Segment,
    StoredTranscript,
    WorkerSeen,
)
from shared.states import AttemptOutcome, JobStatus, Stage
from tests.support import factories
from tests.support.factories import PLAN_KEY, TRANSCRIPT, count, view


class TestSubmission:
    def test_a_submitted_job_is_queued_and_next(self, db: Database) -> None:
        job_id = factories.submit(db)
        shown = view(db, job_id)
        assert shown.job.status == JobStatus.QUEUED
        assert shown.queue_position == 1
        assert shown.job.recording.filename == "会议.wav"
        assert abs((shown.now - shown.job.created_at).total_seconds()) < 60

    def test_the_same_idempotency_key_gives_the_same_job(self, db: Database) -> None:
        blob = factories.a_blob()
        first = jobs.submit(db, owner_id="a", blob=blob, filename="f", idempotency_key="key")
        again = jobs.submit(db, owner_id="a", blob=blob, filename="f", idempotency_key="key")
        assert first.created and not again.created
        assert again.job_id == first.job_id
        assert count(db, Job) == 1

    def test_a_key_is_each_owners_own(self, db: Database) -> None:
        first = factories.submit(db, owner_id="a", idempotency_key="key")
        assert factories.submit(db, owner_id="b", idempotency_key="key") != first

    def test_a_key_for_another_recording_is_refused(self, db: Database) -> None:
        factories.submit(db, idempotency_key="key")
        with pytest.raises(IdempotencyKeyReused):
            factories.submit(db, idempotency_key="key")

    def test_of_ten_simultaneous_requests_with_one_key_one_makes_the_job(
        self, db: Database
    ) -> None:
        blobs = [factories.a_blob() for _ in range(10)]
        same = [
            type(blob)(blob.key, blob.size_bytes, blobs[0].sha256) for blob in blobs
        ]  # one recording, uploaded ten times
        with ThreadPoolExecutor(10) as pool:
            results = list(
                pool.map(
                    lambda blob: jobs.submit(
                        db, owner_id="a", blob=blob, filename="f", idempotency_key="key"
                    ),
                    same,
                )
            )
        assert len({result.job_id for result in results}) == 1
        assert sum(result.created for result in results) == 1


class TestClaim:
    def test_an_empty_queue_gives_nothing(self, db: Database) -> None:
        assert jobs.claim_next(db, worker="w", lease_s=60) is None

    def test_priority_goes_before_age(self, db: Database) -> None:
        ordinary, urgent = factories.submit(db), factories.submit(db, priority=5)
        assert [factories.claim(db).job_id for _ in range(2)] == [urgent, ordinary]

    def test_an_owner_with_nothing_running_goes_before_one_with_more_waiting(
        self, db: Database
    ) -> None:
        first, second = (factories.submit(db, owner_id="greedy") for _ in range(2))
        modest = factories.submit(db, owner_id="modest")
        assert [factories.claim(db).job_id for _ in range(3)] == [first, modest, second]

    def test_with_one_worker_owners_take_turns_in_the_order_that_is_shown(
        self, db: Database
    ) -> None:
        owner_of = {
            factories.submit(db, owner_id=owner, priority=priority): owner
            for owner, priority in [("a", 0)] * 5 + [("b", 0)] * 2 + [("c", 0), ("a", 1)]
        }
        shown = {
            job_id: factories.view(db, job_id, owner_id=owner).queue_position
            for job_id, owner in owner_of.items()
        }
        taken = []
        for _ in owner_of:
            claimed = factories.claim(db)
            taken.append(claimed.job_id)
            factories.complete(db, claimed)
        assert "".join(owner_of[job_id] for job_id in taken) == "abcabaaaa"
        assert shown == {job_id: place for place, job_id in enumerate(taken, start=1)}

    def test_places_beyond_those_looked_ahead_at_go_on_counting(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submitted = [factories.submit(db, owner_id="a") for _ in range(4)]
        monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 2)
        page = jobs.list_jobs(db, owner_id="a")
        places = {view.job.id: view.queue_position for view in page.jobs}
        assert places == {job_id: place for place, job_id in enumerate(submitted, start=1)}

    def test_one_clients_hundred_jobs_do_not_hold_up_anothers_one(self, db: Database) -> None:
        for _ in range(100):
            factories.submit(db, owner_id="many")
        # Two of them run, as two workers would hold them.
        held = [factories.claim(db), factories.claim(db)]
        single = factories.submit(db, owner_id="single")
        assert factories.claim(db).job_id == single
        # With one running each has less than the other's two; the hundred go on after that.
        assert factories.claim(db).owner_id == "many"
        assert {claim.owner_id for claim in held} == {"many"}

    def test_each_claim_has_a_new_fence_and_an_attempt_of_its_own(self, db: Database) -> None:
        job_id = factories.submit(db)
        first = factories.claim(db)
        jobs.release(db, first)
        second = factories.claim(db)
        assert second.fence == first.fence + 1
        assert second.attempt_number == 2
        outcomes = [attempt.outcome for attempt in view(db, job_id).job.attempts]
        assert outcomes == [AttemptOutcome.RELEASED, None]

    def test_twenty_workers_never_claim_a_job_twice(self, db: Database) -> None:
        submitted = {factories.submit(db) for _ in range(30)}
        with ThreadPoolExecutor(20) as pool:
            claims = list(
                pool.map(lambda n: jobs.claim_next(db, worker=str(n), lease_s=60), range(60))
            )
        # A worker that lost the race for one row gets nothing and is rung for again, so go on
        # until the queue is empty.
        while claim := jobs.claim_next(db, worker="last", lease_s=60):
            claims.append(claim)
        claimed = [claim.job_id for claim in claims if claim is not None]
        assert len(claimed) == 30
        assert set(claimed) == submitted


class TestRequests:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (JobStatus.QUEUED, JobStatus.CANCELLED),
            (JobStatus.PROCESSING, JobStatus.CANCELLING),
            (JobStatus.CANCELLING, JobStatus.CANCELLING),
            (JobStatus.CANCELLED, JobStatus.CANCELLED),
        ],
    )
    def test_cancel(self, db: Database, before: JobStatus, after: JobStatus) -> None:
        job_id = factories.a_job(db, before)
        assert jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id) == after
        assert factories.status_of(db, job_id) == after

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
    def test_a_finished_job_cannot_be_cancelled(self, db: Database, status: JobStatus) -> None:
        job_id = factories.a_job(db, status)
        with pytest.raises(IllegalTransition):
            jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)

    @pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
    def test_retry_queues_again_without_the_old_error(
        self, db: Database, status: JobStatus
    ) -> None:
        job_id = factories.a_job(db, status)
        jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
        job = view(db, job_id).job
        assert job.status == JobStatus.QUEUED
        assert job.error_code is None and job.completed_at is None

    @pytest.mark.parametrize(
        "status", [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.COMPLETED]
    )
    def test_only_failed_and_cancelled_jobs_are_retried(
        self, db: Database, status: JobStatus
    ) -> None:
        job_id = factories.a_job(db, status)
        with pytest.raises(IllegalTransition):
            jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)

    def test_delete_leaves_neither_row_nor_file(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        key = view(db, job_id).job.recording.blob_key
        assert factories.delete(db, job_id) == [key]
        for model in (Job, Recording, Attempt, Segment, StoredTranscript):
            assert count(db, model) == 0, model

    def test_the_rows_are_gone_before_the_file(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        rows: list[int] = []

        class Blobs:
            def delete(self, key: str) -> None:
                rows.extend((count(db, Job), count(db, Recording)))
                raise OSError("a crash, or a storage that is away")

        with pytest.raises(OSError, match="a crash"):
            jobs.delete(db, Blobs(), owner_id=LOCAL_OWNER, job_id=job_id)
        assert rows == [0, 0]

    @pytest.mark.parametrize("status", [JobStatus.PROCESSING, JobStatus.CANCELLING])
    def test_a_running_job_is_not_deleted(self, db: Database, status: JobStatus) -> None:
        job_id = factories.a_job(db, status)
        with pytest.raises(IllegalTransition, match="Cancel it first"):
            factories.delete(db, job_id)
        assert factories.status_of(db, job_id) == status

    def test_cancel_and_finish_at_once_end_in_one_of_the_two(self, db: Database) -> None:
        ends = set()
        for _ in range(20):
            job_id = factories.submit(db)
            claim = factories.claim(db)
            jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
            barrier = threading.Barrier(2)

            def finish(claim: jobs.Claim = claim, barrier: threading.Barrier = barrier) -> str:
                barrier.wait()
                try:
                    jobs.finish(db, claim, TRANSCRIPT)
                    return "completed"
                except Cancelled:
                    jobs.cancelled(db, claim)
                    return "cancelled"

            with ThreadPoolExecutor(1) as pool:
                finishing = pool.submit(finish)
                barrier.wait()
                try:
                    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
                except IllegalTransition:
                    assert finishing.result() == "completed"
                end = finishing.result()
            assert factories.status_of(db, job_id) == end
            ends.add(end)
        assert ends <= {"completed", "cancelled"}


class TestReading:
    def test_another_owners_job_does_not_exist(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        for ask in (jobs.get_job, jobs.get_transcript, jobs.cancel, jobs.retry):
            with pytest.raises(JobNotFound):
                ask(db, owner_id="stranger", job_id=job_id)
        blobs = factories.NotedDeletions()
        with pytest.raises(JobNotFound):
            jobs.delete(db, blobs, owner_id="stranger", job_id=job_id)
        assert blobs.keys == []
        assert jobs.list_jobs(db, owner_id="stranger").jobs == []

    def test_pages_show_each_job_once_newest_first(self, db: Database) -> None:
        submitted = [factories.submit(db) for _ in range(7)]
        seen: list[str] = []
        cursor = None
        while True:
            page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, limit=3, cursor=cursor)
            seen += [shown.job.id for shown in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == submitted[::-1]

    def test_positions_follow_priority_and_age(self, db: Database) -> None:
        first, second = factories.submit(db), factories.submit(db)
        urgent = factories.submit(db, priority=3)
        positions = {
            shown.job.id: shown.queue_position
            for shown in jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs
        }
        assert positions == {urgent: 1, first: 2, second: 3}

    def test_a_transcript_is_not_ready_before_the_job_is_completed(self, db: Database) -> None:
        job_id = factories.submit(db)
        with pytest.raises(TranscriptNotReady, match="queued"):
            jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id)

    def test_workers_are_seen_for_a_while(self, db: Database) -> None:
        started = datetime.now(UTC)
        for _ in range(2):
            jobs.note_worker(
                db,
                jobs.WorkerReport(
                    name="w", hostname="h", model="demo", device="cpu", started_at=started
                ),
            )
        assert [worker.name for worker in jobs.workers_seen(db, within_s=60)] == ["w"]
        assert jobs.workers_seen(db, within_s=-60) == []

    @pytest.mark.parametrize("folder", ["/srv/" + "deep/" * 60 + "model", "/srv/\udcff\udcfe"])
    def test_a_worker_is_seen_wherever_its_model_lies(self, db: Database, folder: str) -> None:
        """Also in a folder whose name is no text, as one in GBK is."""
        jobs.note_worker(
            db,
            jobs.WorkerReport(
                name="w",
                hostname="h",
                model=folder,
                model_name=folder,
                device="cpu",
                started_at=datetime.now(UTC),
            ),
        )
        (seen,) = jobs.workers_seen(db, within_s=60)
        assert seen.model == seen.model_name
        assert seen.model.endswith(("/model", "/\ufffd\ufffd"))

    def test_a_worker_is_forgotten_a_day_after_it_was_seen(self, db: Database) -> None:
        for name, ago_s in (("today's", 23 * 3600), ("yesterday's", 25 * 3600)):
            factories.a_worker(db, name)
            with db.writing() as session:
                seen = update(WorkerSeen).where(WorkerSeen.name == name)
                session.execute(seen.values(seen_at=database_now(-ago_s)))
        jobs.forget_workers(db)
        assert [worker.name for worker in jobs.workers_seen(db, within_s=1e6)] == ["today's"]


def test_a_stage_of_an_early_version_is_shown_as_what_it_is_called_now(db: Database) -> None:
    job_id = factories.submit(db)
    factories.claim(db)
    with db.writing() as session:
        session.execute(update(Job).where(Job.id == job_id).values(stage="segmenting"))
    assert view(db, job_id).job.stage is Stage.DECODING


def test_what_is_read_of_jobs_holds_no_rows(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    page = jobs.list_jobs(db, owner_id=LOCAL_OWNER)
    history = jobs.get_history(db, owner_id=LOCAL_OWNER, job_id=job_id)
    pending: list[Any] = [view(db, job_id), page, history, jobs.workers_seen(db, within_s=60)]
    seen = 0
    while pending:
        value = pending.pop()
        assert not isinstance(value, Base), value
        seen += 1
        if is_dataclass(value):
            pending += [getattr(value, field.name) for field in fields(value)]
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value
    assert seen > 50
