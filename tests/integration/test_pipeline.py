"""The pipeline and the task around it, on both databases, with real recordings and a recogniser
that can be made to fail."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared import jobs
from shared.db import Database
from shared.states import AttemptOutcome, JobStatus
from shared.transcript import Word
from tests import factories
from tests.installation import as_wav
from tests.pipeline_worker import Worker
from tests.stub_recogniser import STUB_IDENTITY, StubRecogniser, StubVoiceActivity
from worker import process
from worker.decode import DecodedAudio
from worker.pipeline import Tools, plan_key, transcribe
from worker.recogniser import SAMPLE_RATE, ModelIdentity, Pcm

SPEECH_S = 1.5
"""Seconds of each of the 40 spans, which differ in loudness and so in their words."""


def recording(spans: int = 40) -> bytes:
    random = np.random.default_rng(3)
    pause = np.zeros(int(1.2 * SAMPLE_RATE), np.int16)
    parts = [pause]
    for number in range(spans):
        loudness = 1000 + 137 * number
        length = int((SPEECH_S + 0.05 * number) * SAMPLE_RATE)
        parts += [random.normal(0, loudness, length).clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


@pytest.fixture
def worker(db: Database, tmp_path: Path) -> Iterator[Worker]:
    yield Worker(db, tmp_path)
    process.shutdown.clear()


@pytest.fixture
def expected(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> str:
    """The transcript when nothing goes wrong."""
    job_id = worker.submit(recording())
    worker.run(StubRecogniser(), monkeypatch)
    return worker.transcript(job_id)


class TestOutOfMemory:
    @pytest.mark.parametrize("room_s", [4.0, 10.0, 30.0])
    def test_a_batch_that_does_not_fit_is_halved_and_the_text_is_the_same(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, room_s: float
    ) -> None:
        job_id = worker.submit(recording())
        recogniser = StubRecogniser(out_of_memory_above_s=room_s)
        worker.run(recogniser, monkeypatch)
        assert worker.transcript(job_id) == expected
        attempt = worker.job(job_id).attempt
        assert attempt is not None
        assert attempt.oom_retries > 0
        assert attempt.batch_size_s is not None and attempt.batch_size_s <= 2 * room_s
        refused = [size for size in recogniser.batches if size > room_s]
        # Once known, the ceiling holds: a larger batch is not tried again.
        assert len(refused) == attempt.oom_retries
        assert refused == sorted(refused, reverse=True)

    def test_the_next_job_starts_below_the_ceiling_that_was_learnt(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from worker.tasks import transcribe_next

        recogniser = StubRecogniser(out_of_memory_above_s=20)
        monkeypatch.setattr(process, "_tools", worker.tools(recogniser))
        worker.submit(recording())
        transcribe_next("first")
        second = worker.submit(recording())
        recogniser.batches.clear()
        transcribe_next("second")
        assert max(recogniser.batches) <= 20
        attempt = worker.job(second).attempt
        assert attempt is not None and attempt.oom_retries == 0
        assert "since a larger batch ran out of memory" in (attempt.batch_reason or "")

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


class Stop(Exception):
    """Stands for the process being killed."""


class TestResume:
    @pytest.mark.parametrize("after", [1, 3, 7])
    def test_an_attempt_goes_on_at_the_stored_plan_and_repeats_no_batch(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        # 10 padded seconds a batch, so that there are some.
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 10.0)
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(tools, first, _die_after_batches(tools, after))
        before = list(tools.recogniser.batches)  # type: ignore[attr-defined]
        assert len(before) == after
        stored = jobs.stored_plan(worker.db, first, plan_key(tools))
        assert not stored.complete
        jobs.release(worker.db, first)

        # The next attempt would plan otherwise, but keeps the batches that were stored.
        second = StubRecogniser()
        worker.run(second, monkeypatch)
        assert worker.transcript(job_id) == expected
        planned = _padded_batches(stored.segments)
        assert (before + second.batches)[: len(planned)] == pytest.approx(planned)
        assert sum(second.spans) + _done(stored) == 40

    def test_a_complete_plan_is_resumed_without_looking_for_speech_again(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        first = factories.claim(worker.db)

        def die_when_planned() -> None:
            if jobs.stored_plan(worker.db, first, plan_key(tools)).complete:
                raise Stop

        with pytest.raises(Stop):
            transcribe(tools, first, die_when_planned)
        jobs.release(worker.db, first)

        class Deaf(StubRecogniser):
            def voice_activity(self) -> StubVoiceActivity:
                raise AssertionError("the plan is complete")

        worker.run(Deaf(), monkeypatch)
        assert worker.transcript(job_id) == expected

    def test_a_plan_of_other_spans_is_dropped_and_made_again(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        first = factories.claim(worker.db)
        strange = [jobs.PlannedSegment(0, 16_000, 0)]
        jobs.store_plan(worker.db, first, plan_key(tools), strange, complete=False)
        jobs.release(worker.db, first)
        worker.run(StubRecogniser(), monkeypatch)
        assert worker.transcript(job_id) == expected

    def test_another_model_plans_anew_and_keeps_nothing_of_the_old(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 20.0)
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(tools, first, _die_after_batches(tools, 2))
        jobs.release(worker.db, first)
        other = ModelIdentity("stub", "2", "cpu", "float32", False)
        assert other != STUB_IDENTITY
        second = StubRecogniser(identity=other)
        worker.run(second, monkeypatch)
        assert worker.job(job_id).job.status == JobStatus.COMPLETED
        assert math.fsum(second.batches) >= 40 * SPEECH_S


class TestFigures:
    """The job's own line: what was recognised, over all of its attempts."""

    @pytest.mark.parametrize(("after", "room_s"), [(None, None), (3, None), (7, None), (5, 6.0)])
    def test_batches_and_padding_are_those_that_ran_however_often_the_worker_died(
        self,
        worker: Worker,
        monkeypatch: pytest.MonkeyPatch,
        after: int | None,
        room_s: float | None,
    ) -> None:
        job_id = worker.submit(recording())
        recogniser = StubRecogniser(out_of_memory_above_s=room_s)
        tools = worker.tools(recogniser)
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 10.0)
        if after is not None:
            first = factories.claim(worker.db)
            with pytest.raises(Stop):
                transcribe(tools, first, _die_after_batches(tools, after))
            jobs.release(worker.db, first)
        monkeypatch.setattr(worker, "tools", lambda _: tools)
        worker.run(recogniser, monkeypatch)

        shown = worker.job(job_id).recognition
        assert shown is not None
        ran = [size for size in recogniser.batches if room_s is None or size <= room_s]
        assert shown.batches == len(ran) == len(recogniser.spans)
        assert shown.padded_s == pytest.approx(math.fsum(ran))
        assert shown.largest_batch_s == pytest.approx(max(ran))
        assert shown.speech_s is not None and shown.padded_s is not None
        assert 40 * SPEECH_S < shown.speech_s <= shown.padded_s
        assert shown.oom_retries == len(recogniser.batches) - len(ran)
        assert (shown.oom_retries > 0) is (room_s is not None)
        assert len(worker.job(job_id).job.attempts) == (1 if after is None else 2)

    def test_a_batch_that_was_recognised_and_not_committed_counts_once_in_the_end(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        recogniser = StubRecogniser()
        tools = worker.tools(recogniser)
        first = factories.claim(worker.db)
        save = jobs.save_batch

        def die_before_the_second_commit(*args: Any, **values: Any) -> None:
            if len(recogniser.spans) == 2:
                raise Stop
            save(*args, **values)

        with monkeypatch.context() as patched, pytest.raises(Stop):
            patched.setattr(jobs, "save_batch", die_before_the_second_commit)
            transcribe(tools, first, lambda: None)
        jobs.release(worker.db, first)
        worker.run(recogniser, monkeypatch)
        shown = worker.job(job_id).recognition
        assert shown is not None
        assert shown.batches == len(recogniser.spans) - 1
        lost_s = recogniser.batches[1]
        assert shown.padded_s == pytest.approx(math.fsum(recogniser.batches) - lost_s)

    def test_time_and_memory_of_the_worker_s_process_are_kept_with_the_job(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording(5))
        recogniser = StubRecogniser(delay_s=0.05)
        worker.run(recogniser, monkeypatch)
        shown = worker.job(job_id).recognition
        assert shown is not None
        assert shown.recognition_s is not None and shown.cpu_s is not None
        assert shown.recognition_s >= 0.05 * len(recogniser.spans)
        assert shown.cpu_s > 0
        assert shown.peak_bytes == recogniser.memory.peak
        assert (shown.device, shown.dtype) == ("cpu", "float32")


def _done(plan: jobs.StoredPlan) -> int:
    return sum(segment.words is not None for segment in plan.segments)


def _die_after_batches(tools: Tools, batches: int) -> Callable[[], None]:
    def check() -> None:
        if len(tools.recogniser.batches) >= batches:  # type: ignore[attr-defined]
            raise Stop

    return check


def _padded_batches(plan: Sequence[jobs.RecognisedSegment]) -> list[float]:
    by_batch = itertools.groupby(sorted(plan, key=lambda s: s.batch), key=lambda s: s.batch)
    sizes = []
    for _, segments in by_batch:
        lengths = [segment.end_sample - segment.start_sample for segment in segments]
        sizes.append(len(lengths) * max(lengths) / SAMPLE_RATE)
    return sizes


class TestStreaming:
    """The decoder is held up in the middle of a recording until its beginning is committed."""

    @pytest.mark.parametrize("header", ["a length", "no length"])
    def test_the_first_segments_are_committed_while_the_rest_is_yet_to_be_decoded(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, header: str
    ) -> None:
        recognising = threading.Event()
        early = []

        class Eager(StubRecogniser):
            def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
                recognising.set()
                return super().recognise(speech)

        class HeldUp(DecodedAudio):
            @property
            def duration_s(self) -> float | None:
                return super().duration_s if header == "a length" else None

            def __next__(self) -> Pcm:
                block = super().__next__()
                if len(early) == 10:  # 50 s of 145 s
                    early.append(recognising.wait(20 if header == "a length" else 0.5))
                else:
                    early.append(True)
                return block

        monkeypatch.setattr(
            "worker.listener.decode",
            lambda path, *, limits: HeldUp(path, limits, block_s=5.0),
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
            def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
                return super().recognise(speech)[:1]

        job_id = worker.submit(recording())
        worker.run(Forgetful(), monkeypatch)
        job = worker.job(job_id).job
        assert job.status == JobStatus.FAILED
        assert job.error_code == "recognition_failed"

    def test_an_error_nobody_foresaw_is_tried_again_and_then_told_without_its_details(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(StubRecogniser):
            def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
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
            def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
                process.shutdown.set()
                return super().recognise(speech)

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
        process.shutdown.set()
        worker.run(StubRecogniser(), monkeypatch)
        shown = worker.job(job_id)
        assert shown.job.status == JobStatus.QUEUED
        assert shown.attempt is None

    def test_a_full_disk_while_decoding_is_tried_again(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        worker.settings = worker.settings.model_copy(update={"min_free_bytes": 2**62})
        monkeypatch.setattr(worker.blobs, "_min_free_bytes", 2**62)
        worker.run(StubRecogniser(), monkeypatch)
        shown = worker.job(job_id)
        assert shown.job.status == JobStatus.QUEUED
        assert shown.attempt is not None
        assert shown.attempt.error_code == "insufficient_storage"

    def test_a_doorbell_without_work_claims_nothing(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker.run(StubRecogniser(), monkeypatch)

    def test_nothing_is_left_in_the_work_folder(self, worker: Worker, expected: str) -> None:
        assert list(worker.settings.work_dir.iterdir()) == []
