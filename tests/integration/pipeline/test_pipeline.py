"""The pipeline and the task around it, on both databases, with real recordings and a recogniser
that can be made to fail."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from shared.models import Attempt
from shared.states import AttemptOutcome, BatchLimit, JobStatus
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker import child_process
from worker.audio.decode import DecodedAudio
from worker.recogniser import Pcm, RecognisedSpan, RecognitionRequest


class TestOutOfMemory:
    @pytest.mark.parametrize("room_s", [4.0, 10.0, 30.0])
    def test_a_batch_that_does_not_fit_is_halved_and_the_text_is_the_same(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, room_s: float
    ) -> None:
        job_id = worker.submit(recording())
        recogniser = StubRecogniser(out_of_memory_above_s=room_s)
        worker.run(recogniser, monkeypatch)
        assert worker.transcript(job_id) == expected
        stats = worker.job(job_id).recognition
        assert stats is not None
        assert stats.oom_retries > 0
        assert stats.batch_size_s is not None and stats.batch_size_s <= 2 * room_s
        refused = [size for size in recogniser.batches if size > room_s]
        # Once known, the ceiling holds: a larger batch is not tried again.
        assert len(refused) == stats.oom_retries
        assert refused == sorted(refused, reverse=True)

    def test_the_next_job_starts_below_the_ceiling_that_was_learnt(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from worker.tasks import transcribe_next

        recogniser = StubRecogniser(out_of_memory_above_s=20)
        monkeypatch.setattr(child_process, "_tools", worker.tools(recogniser))
        worker.submit(recording())
        transcribe_next("first")
        second = worker.submit(recording())
        recogniser.batches.clear()
        transcribe_next("second")
        assert max(recogniser.batches) <= 20
        stats = worker.job(second).recognition
        assert stats is not None and stats.oom_retries == 0
        assert stats.limited_by == BatchLimit.LEARNED

    def test_when_not_even_one_segment_fits_the_job_fails_and_the_worker_lives(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        for _ in range(worker.settings.max_attempts):
            worker.run(StubRecogniser(out_of_memory_above_s=0.1), monkeypatch)
        job = worker.job(job_id).job
        assert job.status == JobStatus.FAILED
        assert job.error_code == "out_of_memory"
        assert "LONGSCRIBE_MAX_SEGMENT_S" in (job.error_message or "")
        after = worker.submit(recording(2))
        worker.run(StubRecogniser(), monkeypatch)
        assert worker.job(after).job.status == JobStatus.COMPLETED

    def test_little_free_memory_means_small_batches_from_the_start(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        recogniser = StubRecogniser()
        recogniser.memory.headroom = 290 * 2**20  # of which 256 MiB are left alone
        worker.run(recogniser, monkeypatch)
        assert max(recogniser.batches) <= 33
        assert worker.transcript(job_id) == expected


class TestStreaming:
    """The decoder is held up in the middle of a recording until its beginning is committed."""

    @pytest.mark.parametrize("header", ["a length", "no length"])
    def test_the_first_segments_are_committed_while_the_rest_is_yet_to_be_decoded(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, header: str
    ) -> None:
        recognising = threading.Event()
        early = []

        class Eager(StubRecogniser):
            def recognise(
                self, speech: Sequence[Pcm], request: RecognitionRequest
            ) -> list[RecognisedSpan]:
                recognising.set()
                return super().recognise(speech, request)

        class HeldUp(DecodedAudio):
            @property
            def duration_s(self) -> float | None:
                return super().duration_s if header == "a length" else None

            def __next__(self) -> Pcm:
                block = super().__next__()
                if len(early) == 10:  # 50 s of 145 s
                    early.append(recognising.wait(60 if header == "a length" else 0.5))
                else:
                    early.append(True)
                return block

        monkeypatch.setattr(
            "worker.pipeline.speech_source.decode",
            lambda path, *, limits, abandoned, **take: HeldUp(path, limits, 5.0, abandoned, **take),
        )
        job_id = worker.submit(recording())
        worker.run(Eager(), monkeypatch)
        assert worker.transcript(job_id) == expected
        # Without a length there is nothing to choose the batch size by before the end.
        assert early[10] is (header == "a length")

    def test_an_error_in_the_middle_of_decoding_fails_the_job_with_its_code(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        worker.settings = worker.settings.model_copy(update={"max_audio_s": 60.0})
        worker.run(StubRecogniser(), monkeypatch)
        job = worker.job(job_id).job
        assert (job.status, job.error_code) == (JobStatus.FAILED, "audio_too_long")
        assert "listener" not in {thread.name for thread in threading.enumerate()}


class TestOutcomes:
    def test_a_model_that_gives_too_few_results_fails_the_job_instead_of_losing_words(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Forgetful(StubRecogniser):
            def recognise(
                self, speech: Sequence[Pcm], request: RecognitionRequest
            ) -> list[RecognisedSpan]:
                return super().recognise(speech, request)[:1]

        job_id = worker.submit(recording())
        worker.run(Forgetful(), monkeypatch)
        job = worker.job(job_id).job
        assert job.status == JobStatus.FAILED
        assert job.error_code == "recognition_failed"

    def test_an_error_nobody_foresaw_is_tried_again_and_then_told_without_its_details(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(StubRecogniser):
            def recognise(
                self, speech: Sequence[Pcm], request: RecognitionRequest
            ) -> list[RecognisedSpan]:
                raise KeyError("a secret path")

        job_id = worker.submit(recording())
        for expected in (JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.FAILED):
            worker.run(Broken(), monkeypatch)
            assert worker.job(job_id).job.status == expected
        job = worker.job(job_id).job
        assert job.error_code == "internal_error"
        assert "secret" not in (job.error_message or "")

    def test_a_worker_told_to_stop_gives_the_job_back(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class ToldToStop(StubRecogniser):
            def recognise(
                self, speech: Sequence[Pcm], request: RecognitionRequest
            ) -> list[RecognisedSpan]:
                child_process.shutdown.set()
                return super().recognise(speech, request)

        job_id = worker.submit(recording())
        recogniser = ToldToStop()
        worker.run(recogniser, monkeypatch)
        shown = worker.job(job_id)
        assert shown.job.status == JobStatus.QUEUED
        assert shown.attempt is not None and shown.attempt.outcome == AttemptOutcome.RELEASED
        assert len(recogniser.batches) == 1 and shown.job.progress > 0

    def test_a_worker_told_to_stop_claims_nothing_more(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        child_process.shutdown.set()
        worker.run(StubRecogniser(), monkeypatch)
        shown = worker.job(job_id)
        assert shown.job.status == JobStatus.QUEUED
        assert shown.attempt is None

    def test_a_doorbell_without_work_claims_nothing(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recogniser = StubRecogniser()
        worker.run(recogniser, monkeypatch)
        assert recogniser.batches == []
        assert factories.count(worker.db, Attempt) == 0

    def test_nothing_is_left_in_the_work_folder(self, worker: Worker, expected: str) -> None:
        assert list(worker.settings.work_dir.iterdir()) == []
