"""Hotwords from the submission through the pipeline to what was found, on both databases.

The stub says nothing but the words that it is given, and 一 to 十 where it is given none.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.words.hotwords import EVERYBODY, replace_list
from tests.support import factories
from tests.support.doubles.stub_recogniser import VOCABULARY, StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.pipeline.attempt import Attempt
from worker.pipeline.plan_key import plan_key
from worker.pipeline.transcribe import transcribe
from worker.recogniser import EMPTY_REQUEST, RecognitionRequest

pytestmark = pytest.mark.usefixtures("replayed_decoders")

NAMED = ("网关", "集群")


class Stop(Exception):
    """Stands for the process being killed."""


def _submit(worker: Worker, *named: str, spans: int = 5, **options: object) -> str:
    with worker.blobs.receive(max_bytes=2**30) as incoming:
        incoming.write(recording(spans))
        blob = incoming.keep()
    return factories.submit(worker.db, blob=blob, hotwords=sorted(named), options=dict(options))


def _keep(worker: Worker, *words: str, owner_id: str = LOCAL_OWNER) -> None:
    replace_list(worker.db, owner_id, sorted(words), editor_id="editor")


def _given(worker: Worker, job_id: str) -> jobs.GivenWords:
    return jobs.get_hotwords(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)


def _said(worker: Worker, job_id: str) -> set[str]:
    stored = jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
    return {word.word for sentence in stored.sentences for word in sentence.words}


class TestAModelThatTakesThem:
    def test_words_of_the_job_and_of_both_lists_are_passed(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        _keep(worker, "阿里巴巴", owner_id=EVERYBODY)
        job_id = _submit(worker, *NAMED, spans=12)
        worker.run(StubRecogniser(accepts_hotwords=True), monkeypatch)
        assert _said(worker, job_id) == {*NAMED, "达摩院", "阿里巴巴"}
        given = _given(worker, job_id)
        assert given.passed is True
        assert worker.job(job_id).job.warnings == []

    def test_what_stands_in_the_text_is_counted(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = _submit(worker, "网关")
        worker.run(StubRecogniser(accepts_hotwords=True), monkeypatch)
        stored = jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
        said = [word.word for sentence in stored.sentences for word in sentence.words]
        assert _given(worker, job_id).found == [("网关", len(said))]
        job_id = _submit(worker, "八", "不在这里")
        worker.run(StubRecogniser(accepts_hotwords=True), monkeypatch)
        given = _given(worker, job_id)
        assert given.found is not None and given.found_size == len(given.found) > 0

    def test_a_job_without_words_is_recognised_as_ever(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        job_id = _submit(worker, hotword_lists=False)
        recogniser = StubRecogniser(accepts_hotwords=True)
        worker.run(recogniser, monkeypatch)
        assert _said(worker, job_id) <= set(VOCABULARY)
        assert factories.row(worker.db, job_id).plan_key == plan_key(
            worker.tools(recogniser), EMPTY_REQUEST
        )

    def test_the_words_are_part_of_the_plans_key(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        job_id = _submit(worker, *NAMED)
        recogniser = StubRecogniser(accepts_hotwords=True)
        worker.run(recogniser, monkeypatch)
        asked = RecognitionRequest(hotwords=(*NAMED, "达摩院"))
        assert factories.row(worker.db, job_id).plan_key == plan_key(
            worker.tools(recogniser), asked
        )


class TestAfterAKill:
    def test_the_words_of_the_submission_are_used_whatever_became_of_the_lists(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        expected = _submit(worker, *NAMED, spans=8)
        worker.run(StubRecogniser(accepts_hotwords=True), monkeypatch)

        job_id = _submit(worker, *NAMED, spans=8)
        recogniser = StubRecogniser(accepts_hotwords=True)
        tools = worker.tools(recogniser)
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 4.0)
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, _die_after(recogniser, 2)))
        _keep(worker, "阿里巴巴")
        _keep(worker, "支付宝", owner_id=EVERYBODY)
        jobs.release(worker.db, first)

        second = StubRecogniser(accepts_hotwords=True)
        worker.run(second, monkeypatch)
        assert worker.transcript(job_id) == worker.transcript(expected)
        assert _given(worker, job_id).found == _given(worker, expected).found
        assert sum(second.spans) < 8  # what the first had committed was not done again

    def test_a_retry_by_a_person_has_the_same_words(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        job_id = _submit(worker)
        jobs.cancel(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
        _keep(worker)
        jobs.retry(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
        worker.run(StubRecogniser(accepts_hotwords=True), monkeypatch)
        assert _said(worker, job_id) == {"达摩院"}


class TestAModelThatTakesNone:
    def test_words_of_the_lists_are_left_away_without_a_warning(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(worker, "达摩院")
        job_id = _submit(worker)
        worker.run(StubRecogniser(), monkeypatch)
        job = worker.job(job_id).job
        assert (job.status, job.warnings) == (JobStatus.COMPLETED, [])
        given = _given(worker, job_id)
        assert (given.own, given.passed, given.found) == (("达摩院",), False, [])

    def test_words_named_with_the_job_bring_a_warning(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = _submit(worker, *NAMED)
        worker.run(StubRecogniser(), monkeypatch)
        job = worker.job(job_id).job
        assert (job.status, job.warnings) == (JobStatus.COMPLETED, ["hotwords_not_taken"])
        assert _said(worker, job_id) <= set(VOCABULARY)
        assert _given(worker, job_id).passed is False

    def test_the_text_is_the_one_without_words(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = _submit(worker, *NAMED)
        recogniser = StubRecogniser()
        worker.run(recogniser, monkeypatch)
        assert factories.row(worker.db, job_id).plan_key == plan_key(
            worker.tools(recogniser), EMPTY_REQUEST
        )


def _die_after(recogniser: StubRecogniser, batches: int) -> Callable[[], None]:
    def check() -> None:
        if len(recogniser.batches) >= batches:
            raise Stop

    return check
