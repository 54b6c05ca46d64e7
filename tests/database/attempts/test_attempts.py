"""What an attempt may write, and what becomes of one that is lost, on both databases."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db import Database
from shared.errors import (
    InternalError,
    RecognitionFailed,
)
from shared.models import LOCAL_OWNER, Checkpoint, Job, Segment, StoredTranscript
from shared.states import JobStatus, Stage
from shared.transcripts.values import Transcript
from tests.support import factories, reports
from tests.support.factories import PLAN_KEY, TRANSCRIPT, count, expire_lease, view

PLAN = [jobs.PlannedSegment(0, 16_000, 0), jobs.PlannedSegment(20_000, 30_000, 1)]
FIRST = jobs.RecognisedSegment(0, 16_000, 0, [("好", 0.1, 0.3, 0.97)])
RECOGNITION = jobs.Recognition(12.5, ["damaged_audio_skipped"], reports.FULL)
SECOND = jobs.RecognisedSegment(20_000, 30_000, 1, [])


class TestAttempt:
    def test_finishing_stores_the_transcript_and_the_state_together(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.set_stage(db, claim, Stage.RECOGNISING, progress=0.2, duration_s=12.5)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        jobs.save_batch(db, claim, [FIRST], progress=0.5)
        jobs.save_batch(db, claim, [SECOND], progress=0.9)
        jobs.finish(db, claim, TRANSCRIPT, peak_bytes=7)
        shown = view(db, job_id)
        assert shown.job.status == JobStatus.COMPLETED
        assert shown.job.progress == 1
        assert shown.job.stage is None
        assert factories.row(db, job_id).lease_expires_at is None
        assert shown.attempt is not None and shown.attempt.batches == 2
        assert factories.row(db, job_id).attempts[-1].peak_bytes == 7
        assert shown.real_time_factor_x is not None and shown.real_time_factor_x > 0
        assert jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id) == TRANSCRIPT

    def test_what_a_version_without_confidence_stored_is_still_read(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        with db.writing() as session:
            old = update(Segment).where(Segment.job_id == job_id, Segment.start_sample == 0)
            session.execute(old.values(words=[["好", 0.1, 0.3]]))
        first, second = jobs.stored_plan(db, claim, PLAN_KEY).segments
        assert (first.words, second.words) == ([("好", 0.1, 0.3, None)], None)
        [so_far] = jobs.partial_text(db, owner_id=LOCAL_OWNER, job_id=job_id).segments
        assert so_far.text == "好"
        content = {**TRANSCRIPT.to_json(), "sentences": TRANSCRIPT.to_json()["sentences"][:1]}
        del content["low_confidence_share"]
        read = Transcript.read(json.dumps(content))
        assert read.low_confidence_share is None
        assert {word.confidence for word in read.sentences[0].words} == {None}

    def test_a_job_with_a_missing_segment_cannot_finish(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        jobs.save_batch(db, claim, [FIRST], progress=0.5)
        with pytest.raises(RecognitionFailed, match="2 segments were planned and 1 recognised"):
            jobs.finish(db, claim, TRANSCRIPT)
        assert factories.status_of(db, job_id) == JobStatus.PROCESSING
        assert count(db, StoredTranscript) == 0

    def test_a_segment_that_was_never_planned_is_refused_with_its_whole_batch(
        self, db: Database
    ) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        stranger = jobs.RecognisedSegment(5, 6, 0, [])
        with pytest.raises(RecognitionFailed):
            jobs.save_batch(db, claim, [FIRST, stranger], progress=0.5)
        plan = jobs.stored_plan(db, claim, PLAN_KEY)
        assert all(segment.words is None for segment in plan.segments)

    def test_the_next_attempt_finds_the_plan_and_what_was_recognised(self, db: Database) -> None:
        factories.submit(db)
        first = factories.claim(db)
        jobs.store_plan(db, first, PLAN_KEY, PLAN, complete=True)
        jobs.save_batch(db, first, [FIRST], progress=0.5)
        jobs.release(db, first)
        second = factories.claim(db)
        assert jobs.stored_plan(db, second, PLAN_KEY) == jobs.StoredPlan(
            [FIRST, jobs.RecognisedSegment(20_000, 30_000, 1, None)], complete=True
        )

    def test_a_plan_under_another_key_is_not_used_and_then_replaced(self, db: Database) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        assert jobs.stored_plan(db, claim, "other model") == jobs.NO_PLAN
        jobs.store_plan(db, claim, "other model", PLAN[:1], complete=True)
        assert count(db, Segment) == 1

    def test_a_plan_grows_window_by_window_and_is_complete_with_the_last(
        self, db: Database
    ) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN[:1], complete=False)
        assert not jobs.stored_plan(db, claim, PLAN_KEY).complete
        jobs.save_batch(db, claim, [FIRST], progress=0.5)
        with pytest.raises(RecognitionFailed):  # nobody knows yet what is still to come
            jobs.finish(db, claim, TRANSCRIPT)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN[1:], complete=True)
        plan = jobs.stored_plan(db, claim, PLAN_KEY)
        assert plan.complete and [s.words is None for s in plan.segments] == [False, True]
        jobs.save_batch(db, claim, [SECOND], progress=0.9)
        jobs.finish(db, claim, TRANSCRIPT)

    def test_a_plan_that_does_not_fit_any_more_is_dropped_with_its_words(
        self, db: Database
    ) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        jobs.drop_plan(db, claim)
        assert jobs.stored_plan(db, claim, PLAN_KEY) == jobs.NO_PLAN
        assert count(db, Segment) == 0

    def test_the_words_are_a_checkpoint_once_all_are_there_and_the_marks_are_the_next(
        self, db: Database
    ) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, PLAN, complete=True)
        jobs.save_batch(db, claim, [FIRST], progress=0.5)
        with pytest.raises(RecognitionFailed):
            jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION)
        assert jobs.stored_recognition(db, claim, PLAN_KEY) is None
        jobs.save_batch(db, claim, [SECOND], progress=0.9)
        jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION)
        assert jobs.stored_recognition(db, claim, PLAN_KEY) == RECOGNITION
        assert jobs.stored_marks(db, claim, PLAN_KEY) is None
        jobs.store_marks(db, claim, PLAN_KEY, ["。"])
        assert jobs.stored_marks(db, claim, PLAN_KEY) == ["。"]
        assert jobs.stored_recognition(db, claim, "other model") is None
        assert jobs.stored_marks(db, claim, "other model") is None
        jobs.finish(db, claim, TRANSCRIPT)
        assert count(db, Checkpoint) == 0

    def test_the_report_outlives_the_checkpoint_and_is_told_of_a_single_job_only(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        assert view(db, job_id).report is None
        jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION)
        jobs.finish(db, claim, TRANSCRIPT)
        assert view(db, job_id).report == reports.FULL
        assert RECOGNITION.warning_codes == [
            "damaged_audio_skipped", "shorter_than_announced", "tracks_left_out",
        ]  # fmt: skip
        [listed] = jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs
        assert listed.report is None

    def test_a_checkpoint_of_a_version_without_reports_is_still_read(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        before = jobs.Recognition(12.5, ["damaged_audio_skipped"])
        with db.writing() as session:
            content = {"duration_s": 12.5, "warnings": ["damaged_audio_skipped"]}
            stage = Stage.RECOGNISING.value
            session.add(Checkpoint(job_id=job_id, stage=stage, plan_key=PLAN_KEY, content=content))
        assert jobs.stored_recognition(db, claim, PLAN_KEY) == before

    @pytest.mark.parametrize("stored", [{}, {"container": "wav"}, {"warnings": [{"code": "new"}]}])
    def test_a_report_that_is_not_understood_is_none(
        self, db: Database, stored: dict[str, object]
    ) -> None:
        job_id = factories.submit(db)
        with db.writing() as session:
            session.execute(update(Job).where(Job.id == job_id).values(recording_report=stored))
        assert view(db, job_id).report is None

    @pytest.mark.parametrize("how", ["dropped", "another key"])
    def test_checkpoints_go_with_the_plan(self, db: Database, how: str) -> None:
        factories.submit(db)
        claim = factories.claim(db)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION)
        jobs.store_marks(db, claim, PLAN_KEY, [])
        if how == "dropped":
            jobs.drop_plan(db, claim)
        else:
            jobs.store_plan(db, claim, "other model", [], complete=True)
        assert count(db, Checkpoint) == 0

    @pytest.mark.parametrize(("most", "allowed"), [(1, 2), (2, 2), (3, 3)])
    def test_losses_count_anew_once_the_words_are_there_and_stay_bounded(
        self, db: Database, most: int, allowed: int
    ) -> None:
        job_id = factories.submit(db)

        def lose(*, last: bool) -> None:
            claim = factories.claim(db)
            assert jobs.is_last_attempt(db, claim, max_attempts=most) is last
            expire_lease(db, job_id)
            jobs.expire_leases(db, max_attempts=most)

        for _ in range(most - 1):
            lose(last=False)
        claim = factories.claim(db)
        assert jobs.is_last_attempt(db, claim, max_attempts=most)
        jobs.store_plan(db, claim, PLAN_KEY, [], complete=True)
        jobs.store_recognition(db, claim, PLAN_KEY, RECOGNITION)
        assert not jobs.is_last_attempt(db, claim, max_attempts=most)
        expire_lease(db, job_id)
        jobs.expire_leases(db, max_attempts=most)
        for number in range(2, allowed + 1):
            assert factories.status_of(db, job_id) == JobStatus.QUEUED
            lose(last=number == allowed)
        assert factories.status_of(db, job_id) == JobStatus.FAILED

    def test_progress_never_falls(self, db: Database) -> None:
        job_id = factories.submit(db)
        claim = factories.claim(db)
        jobs.set_stage(db, claim, Stage.RECOGNISING, progress=0.7)
        jobs.set_stage(db, claim, Stage.DECODING, progress=0.1)
        assert view(db, job_id).job.progress == 0.7

    def test_a_passing_error_queues_the_job_again_until_attempts_run_out(
        self, db: Database
    ) -> None:
        job_id = factories.submit(db)
        for _ in range(2):
            jobs.retry_later(db, factories.claim(db), InternalError(), max_attempts=3, delay_s=0)
            assert factories.status_of(db, job_id) == JobStatus.QUEUED
        jobs.retry_later(db, factories.claim(db), InternalError(), max_attempts=3, delay_s=0)
        shown = view(db, job_id)
        assert shown.job.status == JobStatus.FAILED
        assert shown.job.error_code == "internal_error"

    def test_a_delayed_retry_is_not_claimed_before_its_time(self, db: Database) -> None:
        factories.submit(db)
        jobs.retry_later(db, factories.claim(db), InternalError(), max_attempts=3, delay_s=60)
        assert jobs.claim_next(db, worker="w", lease_s=60) is None
        assert jobs.claimable_jobs(db, most=1).for_any == 0

    def test_giving_a_job_back_at_shutdown_costs_no_attempt(self, db: Database) -> None:
        job_id = factories.submit(db)
        for _ in range(5):
            jobs.release(db, factories.claim(db))
        assert factories.row(db, job_id).failed_attempts == 0
