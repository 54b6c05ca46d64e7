"""What a job's history tells, on both databases: all that was committed and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from shared import jobs
from shared.db import Database
from shared.errors import (
    IdempotencyKeyReused,
    IllegalTransition,
    InternalError,
    JobNotFound,
    LongscribeError,
    OutOfMemory,
    QueueFull,
    RecognitionFailed,
    Stalled,
    UnsupportedMedia,
)
from shared.jobs import QueueLimit
from shared.models import LOCAL_OWNER, JobEvent
from shared.states import EVENTS_OF, TRANSITIONS, EventKind, JobStatus, Stage
from tests.support import factories
from tests.support.factories import CHOICE, PLAN_KEY, TRANSCRIPT, count, expire_lease, told

PLAN = [jobs.PlannedSegment(0, 16_000, 0), jobs.PlannedSegment(20_000, 30_000, 1)]
FIRST = jobs.RecognisedSegment(0, 16_000, 0, [("好", 0.1, 0.3, None)])
SECOND = jobs.RecognisedSegment(20_000, 30_000, 1, [])


def events(db: Database, job_id: str) -> list[jobs.EventRecord]:
    return jobs.get_history(db, owner_id=LOCAL_OWNER, job_id=job_id).events


def detail(db: Database, job_id: str, kind: EventKind) -> dict[str, Any]:
    """The detail of the newest event of a kind."""
    return [told.detail for told in events(db, job_id) if told.kind == kind][-1]


def retry_later(db: Database, claim: jobs.Claim, error: LongscribeError, most: int = 3) -> None:
    jobs.retry_later(db, claim, error, max_attempts=most, delay_s=0)


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """Collect the SQL that is sent meanwhile."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def test_every_arrow_of_the_state_machine_has_an_event_that_tells_of_it() -> None:
    assert set(EVENTS_OF) == {
        (before, after) for before, afters in TRANSITIONS.items() for after in afters
    }
    assert all(EVENTS_OF.values())


class TestWhatIsTold:
    def test_a_job_that_goes_well_is_told_from_submission_to_transcript(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.note_batch_choice(db, claim, CHOICE)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN[:1], complete=False)
        jobs.save_batch(db, claim, [FIRST], progress=0.5)
        jobs.set_stage(db, claim, Stage.DECODING, duration_s=12.5)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN[1:], complete=True)
        jobs.set_stage(db, claim, Stage.RECOGNISING)
        jobs.save_batch(db, claim, [SECOND], progress=0.9)
        jobs.set_stage(db, claim, Stage.PUNCTUATING)
        jobs.set_stage(db, claim, Stage.SAVING)
        jobs.finish(db, claim, TRANSCRIPT)
        assert [(told.kind, told.attempt, told.detail) for told in events(db, job_id)] == [
            ("submitted", None, {}),
            ("claimed", 1, {"lease_s": claim.lease_s}),
            ("recognising", 1, {"batch_size_s": 300.0}),
            ("decoded", 1, {"duration_s": 12.5}),
            ("planned", 1, {"segments": 2, "batches": 2}),
            ("punctuating", 1, {}),
            ("saving", 1, {}),
            ("completed", 1, {"sentences": 2}),
        ]
        times = [told.at for told in events(db, job_id)]
        assert times == sorted(times)

    def test_what_happens_once_an_attempt_is_told_once_however_often_it_is_reported(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        for number in (1, 2):
            claim = factories.claim(db)
            for stage in (Stage.PUNCTUATING, Stage.PUNCTUATING, Stage.SAVING, Stage.PUNCTUATING):
                jobs.set_stage(db, claim, stage, progress=0.97, duration_s=3.0)
            jobs.release(db, claim)
            kinds = ["claimed", "decoded", "punctuating", "saving", "released"]
            assert told(db, job_id)[1 + 5 * (number - 1) :] == [(kind, number) for kind in kinds]

    def test_batches_and_heartbeats_are_not_told_one_by_one(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        spans = [jobs.PlannedSegment(n * 1000, n * 1000 + 900, n) for n in range(50)]
        jobs.store_plan(db, claim, PLAN_KEY, spans, complete=True)
        before = told(db, job_id)
        with statements(db) as sent:
            for span in spans:
                done = jobs.RecognisedSegment(span.start_sample, span.end_sample, span.batch, [])
                jobs.save_batch(db, claim, [done], progress=0.5)
            jobs.heartbeat(db, claim)
        assert sent and not any("events" in statement for statement in sent)
        assert told(db, job_id) == before

    def test_a_list_of_jobs_reads_no_history(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        with statements(db) as sent:
            jobs.list_jobs(db, owner_id=LOCAL_OWNER)
            jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
        # Only how many there were: whether anything has happened.
        assert sent and not any("events.job_id" in statement for statement in sent)

    def test_a_batch_that_did_not_fit_is_told_with_the_size_from_then_on(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        for size in (150.0, 75.0):
            jobs.record_oom_retry(db, claim, size)
        assert [told.detail for told in events(db, job_id)[2:]] == [
            {"batch_size_s": 150.0},
            {"batch_size_s": 75.0},
        ]

    def test_dropping_what_another_model_recognised_is_told(self, db: Database) -> None:
        job_id = factories.submit(db)
        first = factories.claim(db)
        jobs.store_plan(db, first, PLAN_KEY, PLAN, complete=True)
        jobs.release(db, first)
        second = factories.claim(db)
        jobs.store_plan(db, second, "another model", PLAN, complete=True)
        assert told(db, job_id)[-3:] == [("claimed", 2), ("discarded", 2), ("planned", 2)]

    def test_a_worker_that_fell_silent_is_told_with_its_place_in_the_count(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        for _ in range(2):
            factories.claim(db)
            expire_lease(db, job_id)
            jobs.expire_leases(db, max_attempts=2)
        assert told(db, job_id)[1:] == [
            ("claimed", 1),
            ("lost", 1),
            ("claimed", 2),
            ("lost", 2),
            ("failed", 2),
        ]
        lost = [told.detail for told in events(db, job_id) if told.kind == EventKind.LOST]
        assert lost == [{"code": "worker_lost", "failures": n, "of": 2} for n in (1, 2)]
        assert "The worker stopped" in detail(db, job_id, EventKind.FAILED)["message"]

    def test_an_attempt_taken_back_is_told_with_its_reason_and_once(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        for _ in range(2):
            jobs.end_lost_attempt(
                db, job_id=job_id, fence=claim.fence, error=Stalled(), max_attempts=3
            )
        assert told(db, job_id)[1:] == [("claimed", 1), ("lost", 1)]
        assert detail(db, job_id, EventKind.LOST)["code"] == "stalled"

    def test_a_passing_error_is_told_with_what_comes_next(self, db: Database) -> None:
        job_id = factories.submit(db)
        jobs.retry_later(db, factories.claim(db), OutOfMemory(), max_attempts=2, delay_s=0)
        found = detail(db, job_id, EventKind.RETRYING)
        assert found == {
            "code": "out_of_memory",
            "message": OutOfMemory.default_message,
            "failures": 1,
            "of": 2,
            "delay_s": 0,
        }
        retry_later(db, factories.claim(db), InternalError(), most=2)
        assert told(db, job_id)[-1] == ("failed", 2)
        assert detail(db, job_id, EventKind.FAILED)["code"] == "internal_error"

    def test_a_long_message_is_cut(self, db: Database) -> None:
        job_id = factories.submit(db)
        jobs.fail(db, factories.claim(db), UnsupportedMedia("x" * 10_000))
        assert len(detail(db, job_id, EventKind.FAILED)["message"]) == 500

    def test_what_a_person_asks_is_told(self, db: Database) -> None:
        job_id = factories.submit(db)
        asks: list[Callable[..., JobStatus]] = [jobs.cancel, jobs.cancel, jobs.retry]
        for ask in asks:
            ask(db, owner_id=LOCAL_OWNER, job_id=job_id)
        claim = factories.claim(db)
        for _ in range(2):
            jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
        jobs.cancelled(db, claim)
        assert told(db, job_id) == [
            ("submitted", None),
            ("cancelled", None),
            ("retried", None),
            ("claimed", 1),
            ("cancel_asked", None),
            ("cancelled", 1),
        ]

    def test_a_cancelled_job_whose_worker_died_tells_both(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.CANCELLING)
        expire_lease(db, job_id)
        jobs.expire_leases(db, max_attempts=3)
        assert told(db, job_id)[-3:] == [("cancel_asked", None), ("lost", 1), ("cancelled", 1)]


class TestWhatIsNotTold:
    def test_what_was_rolled_back(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        before = told(db, job_id)
        with pytest.raises(RecognitionFailed):
            jobs.finish(db, claim, TRANSCRIPT)
        with pytest.raises(IllegalTransition):
            jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
        assert told(db, job_id) == before

    def test_what_was_not_accepted(self, db: Database) -> None:
        blob = factories.a_blob()
        for _ in range(2):
            factories.submit(db, blob=blob, idempotency_key="k")
        with pytest.raises(IdempotencyKeyReused):
            factories.submit(db, idempotency_key="k")
        with pytest.raises(QueueFull):
            factories.submit(db, limit=QueueLimit(most_s=1e-9, longest_s=60, seen_within_s=15))
        assert count(db, JobEvent) == 1

    def test_what_another_owner_asks(self, db: Database) -> None:
        job_id = factories.submit(db)
        with pytest.raises(JobNotFound):
            jobs.cancel(db, owner_id="mallory", job_id=job_id)
        with pytest.raises(JobNotFound):
            jobs.get_history(db, owner_id="mallory", job_id=job_id)
        assert told(db, job_id) == [("submitted", None)]

    def test_one_of_two_ends_when_cancelling_races_with_finishing(self, db: Database) -> None:
        for _ in range(20):
            job_id = factories.submit(db)
            claim = factories.claim(db)
            jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
            barrier = threading.Barrier(2)

            def finish(claim: jobs.Claim = claim, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                try:
                    jobs.finish(db, claim, TRANSCRIPT)
                except LongscribeError:
                    jobs.cancelled(db, claim)

            def cancel(job_id: str = job_id, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                try:
                    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
                except IllegalTransition:
                    return  # it was finished before

            with ThreadPoolExecutor(2) as pool:
                for run in [pool.submit(finish), pool.submit(cancel)]:
                    run.result()
            assert told(db, job_id)[3:] in (
                [("completed", 1)],
                [("cancel_asked", None), ("cancelled", 1)],
            )


class TestBounds:
    def test_however_often_a_job_is_tried_its_newest_events_and_its_submission_are_kept(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.jobs.events.KEPT_EVENTS", 6)
        other = factories.submit(db, priority=-1)
        job_id = factories.submit(db)
        for _ in range(10):
            jobs.release(db, factories.claim(db))
        newest = [("released", 7), ("claimed", 8), ("released", 8), ("claimed", 9)]
        newest += [("released", 9), ("claimed", 10), ("released", 10)]
        assert told(db, job_id) == [("submitted", None), *newest]
        assert told(db, other) == [("submitted", None)]

    def test_of_attempts_the_newest_are_kept_and_those_whose_words_are_in_the_transcript(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.jobs.events.KEPT_EVENTS", 6)
        job_id = factories.submit(db)
        claim = factories.claim(db)
        factories.recognise(db, claim)
        jobs.release(db, claim)
        for _ in range(11):
            jobs.release(db, factories.claim(db))
        history = jobs.get_history(db, owner_id=LOCAL_OWNER, job_id=job_id)
        assert sorted(history.attempts) == [1, *range(7, 13)]
        assert {event.attempt for event in history.events} - {None} <= history.attempts.keys()
        figures = factories.view(db, job_id).recognition
        assert figures is not None and figures.batches == 2

    def test_asking_again_and_again_is_bounded_too(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.jobs.events.KEPT_EVENTS", 6)
        job_id = factories.submit(db)
        for _ in range(10):
            jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
            jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
        assert len(told(db, job_id)) == 7
        assert told(db, job_id)[0] == ("submitted", None)

    def test_a_deleted_job_leaves_no_history(self, db: Database) -> None:
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        factories.delete(db, job_id)
        assert count(db, JobEvent) == 0
