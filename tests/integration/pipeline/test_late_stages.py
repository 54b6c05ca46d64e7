"""What follows recognition goes on from its checkpoints, and a failure there keeps the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared import jobs
from shared.errors import RecognitionFailed
from shared.models import LOCAL_OWNER
from shared.states import JobStatus, Stage
from shared.transcripts.recording_report import RecordingWarningCode
from shared.transcripts.values import Transcript
from tests.support import factories, reports
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.audio.decode import DecodedAudio
from worker.pipeline import speech_source
from worker.pipeline.attempt import Attempt
from worker.pipeline.recognition import RecognitionRun
from worker.pipeline.transcribe import transcribe
from worker.recogniser import ModelIdentity

pytestmark = pytest.mark.usefixtures("replayed_decoders")

FEW = recording(6)


class Stop(BaseException):
    """Stands for the process being killed."""


class Counting(StubRecogniser):
    """`punctuations` counts them; `end`, if there is one, is how each ends."""

    punctuations = 0
    end: Callable[[], list[str]] | None = None

    def punctuate(self, words: Sequence[str]) -> list[str]:
        self.punctuations += 1
        return super().punctuate(words) if self.end is None else self.end()


def _raising(error: BaseException) -> Callable[[], list[str]]:
    def end() -> list[str]:
        raise error

    return end


class Mute(StubRecogniser):
    def punctuate(self, words: Sequence[str]) -> list[str]:
        raise AssertionError("the marks are there already")


@pytest.fixture(autouse=True)
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One entry for each recording that was decoded."""
    paths: list[Path] = []
    decode = speech_source.decode

    def counted(path: Path, **values: Any) -> DecodedAudio:
        paths.append(path)
        return decode(path, **values)

    monkeypatch.setattr(speech_source, "decode", counted)
    return paths


def stored(worker: Worker, job_id: str) -> Transcript:
    return jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)


@pytest.fixture
def few(worker: Worker, monkeypatch: pytest.MonkeyPatch, decoded: list[Path]) -> Transcript:
    """The transcript of FEW when nothing goes wrong."""
    job_id = worker.submit(FEW)
    worker.run(StubRecogniser(), monkeypatch)
    decoded.clear()
    return stored(worker, job_id)


def killed(worker: Worker, recogniser: StubRecogniser) -> None:
    """An attempt whose process dies, and the sweep that finds out."""
    claim = factories.claim(worker.db)
    with pytest.raises(Stop):
        transcribe(Attempt.begin(worker.tools(recogniser), claim, lambda: None))
    factories.expire_lease(worker.db, claim.job_id)
    jobs.expire_leases(worker.db, max_attempts=worker.settings.max_attempts)


class TestCheckpoints:
    def test_an_attempt_lost_in_punctuation_is_gone_on_with_without_decoding(
        self,
        worker: Worker,
        few: Transcript,
        decoded: list[Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        listen = RecognitionRun.recognise

        def damaged(run: RecognitionRun) -> jobs.Recognition:
            return replace(
                listen(run),
                warnings=["damaged_audio_skipped"],
                report=reports.BY_WARNING[RecordingWarningCode.VERY_QUIET],
            )

        monkeypatch.setattr(RecognitionRun, "recognise", damaged)
        job_id = worker.submit(FEW)
        first = Counting()
        first.end = _raising(Stop())
        killed(worker, first)
        second = Counting()
        worker.run(second, monkeypatch)
        found = stored(worker, job_id)
        assert (found.sentences, found.duration) == (few.sentences, few.duration)
        assert found.warnings == ("damaged_audio_skipped", "very_quiet")
        shown = worker.job(job_id)
        assert shown.job.warnings == ["damaged_audio_skipped", "very_quiet"]
        assert shown.report == reports.BY_WARNING[RecordingWarningCode.VERY_QUIET]
        assert len(decoded) == 1
        assert (len(first.spans) > 0, second.spans) == (True, [])
        assert (first.punctuations, second.punctuations) == (1, 1)

    def test_an_attempt_lost_after_punctuation_is_gone_on_with_without_either(
        self,
        worker: Worker,
        few: Transcript,
        decoded: list[Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        job_id = worker.submit(FEW)
        set_stage = jobs.set_stage

        def die_while_saving(db: Any, claim: Any, stage: Stage, **values: Any) -> None:
            if stage is Stage.SAVING:
                raise Stop
            set_stage(db, claim, stage, **values)

        with monkeypatch.context() as patched:
            patched.setattr(jobs, "set_stage", die_while_saving)
            killed(worker, Counting())
        worker.run(Mute(), monkeypatch)
        assert stored(worker, job_id) == few
        assert len(decoded) == 1

    def test_a_job_that_a_person_asks_for_again_goes_on_from_its_checkpoint(
        self,
        worker: Worker,
        few: Transcript,
        decoded: list[Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        job_id = worker.submit(FEW)
        first = Counting()

        def cancelled() -> list[str]:
            jobs.cancel(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
            return []

        first.end = cancelled
        worker.run(first, monkeypatch)
        # The marks are too few, but a job that was cancelled is not tried again for that.
        assert worker.job(job_id).job.status in (JobStatus.CANCELLED, JobStatus.CANCELLING)
        factories.expire_lease(worker.db, job_id)
        jobs.expire_leases(worker.db, max_attempts=3)
        jobs.retry(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
        worker.run(Counting(), monkeypatch)
        assert stored(worker, job_id) == few
        assert len(decoded) == 1

    def test_another_model_begins_again(
        self, worker: Worker, decoded: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(FEW)
        first = Counting()
        first.end = _raising(Stop())
        killed(worker, first)
        second = Counting(identity=ModelIdentity("stub", "2", "cpu", "float32", False))
        worker.run(second, monkeypatch)
        assert worker.job(job_id).job.status == JobStatus.COMPLETED
        assert len(decoded) == 2 and second.spans


FAILURES: dict[str, Callable[[], list[str]]] = {
    "an error nobody foresaw": _raising(KeyError("a secret path")),
    "no memory": _raising(MemoryError()),
    "an error for good": _raising(RecognitionFailed()),
    "too few marks": lambda: ["。"],
}


class TestPunctuationFails:
    @pytest.fixture(params=[1, 2, 3])
    def most(self, request: pytest.FixtureRequest, worker: Worker) -> Iterator[int]:
        worker.settings = worker.settings.model_copy(update={"max_attempts": request.param})
        yield request.param

    @pytest.mark.parametrize("failure", FAILURES)
    def test_the_text_is_kept_without_marks(
        self,
        worker: Worker,
        few: Transcript,
        decoded: list[Path],
        monkeypatch: pytest.MonkeyPatch,
        most: int,
        failure: str,
    ) -> None:
        job_id = worker.submit(FEW)
        recogniser = Counting()
        recogniser.end = FAILURES[failure]
        for _ in range(max(most, 2)):
            assert worker.job(job_id).job.status == JobStatus.QUEUED
            worker.run(recogniser, monkeypatch)
        self.was_kept(worker, job_id, few)
        assert recogniser.punctuations == max(most - 1, 1)
        assert len(decoded) == 1

    def test_so_is_it_when_each_punctuation_kills_the_process(
        self,
        worker: Worker,
        few: Transcript,
        decoded: list[Path],
        monkeypatch: pytest.MonkeyPatch,
        most: int,
    ) -> None:
        job_id = worker.submit(FEW)
        for _ in range(max(most, 2) - 1):
            recogniser = Counting()
            recogniser.end = _raising(Stop())
            killed(worker, recogniser)
            assert worker.job(job_id).job.status == JobStatus.QUEUED
        worker.run(Mute(), monkeypatch)
        self.was_kept(worker, job_id, few)
        assert len(decoded) == 1

    def was_kept(self, worker: Worker, job_id: str, few: Transcript) -> None:
        job = worker.job(job_id).job
        assert (job.status, job.error_code) == (JobStatus.COMPLETED, None)
        assert job.warnings == ["punctuation_failed"]
        found = stored(worker, job_id)
        assert found.warnings == ("punctuation_failed",)
        assert _words(found) == _words(few)
        assert "。" in few.text and "。" not in found.text
        # Six spans of speech with pauses between them.
        assert len(found.sentences) == 6

    def test_what_was_lost_on_the_way_to_the_words_is_not_counted_against_punctuation(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = worker.submit(FEW)
        for _ in range(worker.settings.max_attempts - 1):
            factories.claim(worker.db)
            factories.expire_lease(worker.db, job_id)
            jobs.expire_leases(worker.db, max_attempts=worker.settings.max_attempts)
        recogniser = Counting()
        recogniser.end = _raising(KeyError())
        worker.run(recogniser, monkeypatch)
        recogniser.end = None
        worker.run(recogniser, monkeypatch)
        job = worker.job(job_id).job
        assert (job.status, job.warnings) == (JobStatus.COMPLETED, [])
        assert recogniser.punctuations == 2


def _words(transcript: Transcript) -> list[str]:
    return [word.word for sentence in transcript.sentences for word in sentence.words]
