"""An attempt that died, and the next one that goes on with what it left, on both databases."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared import jobs
from shared.states import JobStatus
from tests.support import factories
from tests.support.doubles.stub_recogniser import STUB_IDENTITY, StubRecogniser, StubVoiceActivity
from tests.support.pipeline_worker import SPEECH_S, Worker, recording
from worker.pass_cost import PassCost
from worker.pipeline.attempt import Attempt
from worker.pipeline.plan_key import plan_key
from worker.pipeline.tools import Tools
from worker.pipeline.transcribe import transcribe
from worker.recogniser import (
    EMPTY_REQUEST,
    SAMPLE_RATE,
    ModelIdentity,
    Pcm,
    RecognisedSpan,
    RecognitionRequest,
)
from worker.supervision.liveness import Liveness

pytestmark = pytest.mark.usefixtures("replayed_decoders")


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
            transcribe(Attempt.begin(tools, first, _die_after_batches(tools, after)))
        before = list(tools.recogniser.batches)  # type: ignore[attr-defined]
        assert len(before) == after
        stored = jobs.stored_plan(worker.db, first, plan_key(tools, EMPTY_REQUEST))
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
            if jobs.stored_plan(worker.db, first, plan_key(tools, EMPTY_REQUEST)).complete:
                raise Stop

        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, die_when_planned))
        jobs.release(worker.db, first)

        class Deaf(StubRecogniser):
            def voice_activity(self) -> StubVoiceActivity:
                raise AssertionError("the plan is complete")

        worker.run(Deaf(), monkeypatch)
        assert worker.transcript(job_id) == expected

    def test_that_a_loop_was_cut_is_told_by_the_attempt_that_ends_the_job(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Looping(StubRecogniser):
            def recognise(
                self, speech: Sequence[Pcm], request: RecognitionRequest
            ) -> list[RecognisedSpan]:
                first, *others = super().recognise(speech, request)
                return [replace(first, was_cut=len(self.spans) == 1), *others]

        job_id = worker.submit(recording())
        tools = worker.tools(Looping())
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 10.0)
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, _die_after_batches(tools, 2)))
        jobs.release(worker.db, first)
        worker.run(StubRecogniser(), monkeypatch)
        assert worker.job(job_id).job.warnings == ["repetition_cut"]

    def test_a_plan_of_other_spans_is_dropped_and_made_again(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        first = factories.claim(worker.db)
        strange = [jobs.PlannedSegment(0, 16_000, 0)]
        jobs.store_plan(worker.db, first, plan_key(tools, EMPTY_REQUEST), strange, complete=False)
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
            transcribe(Attempt.begin(tools, first, _die_after_batches(tools, 2)))
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
                transcribe(Attempt.begin(tools, first, _die_after_batches(tools, after)))
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

    def test_a_job_begun_with_padding_goes_on_without_and_tells_what_each_computed(
        self, worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As after an upgrade. What a pass may take before it counts as hanging goes by the same
        seconds."""
        job_id = worker.submit(recording())
        tools = worker.tools(StubRecogniser())
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 10.0)
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, _die_after_batches(tools, 4)))
        jobs.release(worker.db, first)
        before = worker.job(job_id).recognition
        assert before is not None and before.speech_s is not None and before.padded_s is not None
        assert before.padded_s > before.speech_s and before.largest_batch_s is not None

        allowed_for: list[float] = []
        enter = Liveness.batch
        monkeypatch.setattr(
            Liveness, "batch", lambda self, s: (allowed_for.append(s), enter(self, s))[1]
        )
        second = StubRecogniser(pass_cost=PassCost(2.0, per_longest_s=0.2, pads=False))
        worker.run(second, monkeypatch)
        assert worker.transcript(job_id) == expected
        shown = worker.job(job_id).recognition
        assert shown is not None and shown.speech_s is not None and shown.padded_s is not None
        spoken_s = shown.speech_s - before.speech_s
        assert shown.batches == before.batches + len(second.spans)
        assert shown.padded_s - before.padded_s == pytest.approx(spoken_s)
        assert math.fsum(allowed_for) == pytest.approx(spoken_s)
        assert math.fsum(second.batches) > spoken_s
        assert shown.largest_batch_s == pytest.approx(max(before.largest_batch_s, *allowed_for))

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
            transcribe(Attempt.begin(tools, first, lambda: None))
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
