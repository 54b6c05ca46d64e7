"""What a job asks of recognition, and what a recogniser is able to do, in the whole pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from shared import jobs
from shared.models import Segment
from shared.settings import Settings
from shared.states import Stage
from shared.transcripts.values import Transcript, Word
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.engine.voice_activity.endpoints import VoiceActivityOptions
from worker.pipeline.assemble import split_marks
from worker.pipeline.attempt import Attempt
from worker.pipeline.plan_key import plan_key
from worker.pipeline.tools import Tools
from worker.pipeline.transcribe import transcribe
from worker.recogniser import (
    EMPTY_REQUEST,
    SAMPLE_RATE,
    Pcm,
    RecognisedSpan,
    RecognitionRequest,
    UnsupportedRequest,
)

pytestmark = pytest.mark.usefixtures("replayed_decoders")

HOTWORDS = RecognitionRequest(hotwords=("网关", "集群"))


class Stop(Exception):
    """Stands for the process being killed."""


def _run(worker: Worker, tools: Tools, request: RecognitionRequest) -> Transcript:
    worker.submit(recording(5))
    return transcribe(
        Attempt.begin(tools, factories.claim(worker.db), lambda: None, request=request)
    ).transcript


def _words(transcript: Transcript) -> set[str]:
    return {word.word for sentence in transcript.sentences for word in sentence.words}


class TestPlanKey:
    """Segments stored under another key are not taken for this text's."""

    @staticmethod
    def key(request: RecognitionRequest, **settings: float) -> str:
        tools = Tools(Settings(**settings), None, None, None, StubRecogniser(), None, None)  # type: ignore[arg-type]
        return plan_key(tools, request)

    def test_an_empty_request_keeps_its_key(self) -> None:
        """So that a job that was being worked on during an upgrade is resumed, unless the upgrade
        decodes otherwise."""
        assert self.key(EMPTY_REQUEST) == (
            "abb019fed0032b3c8daa74319a6162439396d50345e0d59cdb36d7cba1ca715e"
        )
        assert self.key(RecognitionRequest(), vad_end_silence_ms=500, max_segment_s=30) == (
            "37f6c6c06e8c51094fd16ae07dacdc7fdaa47a51eaf0cb1d618513f2512caedc"
        )

    def test_spans_that_a_recogniser_cuts_shorter_have_a_key_of_their_own(self) -> None:
        brief = StubRecogniser(options=VoiceActivityOptions(max_segment_s=20.0))
        tools = Tools(Settings(), None, None, None, brief, None, None)  # type: ignore[arg-type]
        assert plan_key(tools, EMPTY_REQUEST) == self.key(EMPTY_REQUEST, max_segment_s=20.0)
        assert plan_key(tools, EMPTY_REQUEST) != self.key(EMPTY_REQUEST)

    def test_every_other_request_has_a_key_of_its_own(self) -> None:
        requests = (
            EMPTY_REQUEST,
            HOTWORDS,
            RecognitionRequest(hotwords=("网关",)),
            RecognitionRequest(language="zh"),
            RecognitionRequest(hotwords=("网关",), language="zh"),
        )
        assert len({self.key(request) for request in requests}) == len(requests)

    def test_the_order_of_hotwords_and_saying_one_twice_make_no_other_request(self) -> None:
        same = RecognitionRequest(hotwords=("集群", "网关", "集群"))
        assert same == HOTWORDS
        assert self.key(same) == self.key(HOTWORDS)


class TestRequest:
    def test_hotwords_reach_a_recogniser_that_takes_them(self, worker: Worker) -> None:
        tools = worker.tools(StubRecogniser(accepts_hotwords=True))
        assert _words(_run(worker, tools, HOTWORDS)) == set(HOTWORDS.hotwords)

    def test_the_transcript_is_in_the_language_asked_for(self, worker: Worker) -> None:
        tools = worker.tools(StubRecogniser(languages=("zh", "en")))
        assert _run(worker, tools, RecognitionRequest(language="en")).language == "en"
        assert _run(worker, tools, EMPTY_REQUEST).language == "zh"

    @pytest.mark.parametrize("request_", [HOTWORDS, RecognitionRequest(language="en")])
    def test_what_the_model_cannot_do_is_refused_before_anything_is_decoded(
        self, worker: Worker, request_: RecognitionRequest
    ) -> None:
        recogniser = StubRecogniser()
        with pytest.raises(UnsupportedRequest, match="The model stub"):
            _run(worker, worker.tools(recogniser), request_)
        assert recogniser.batches == []

    def test_an_attempt_with_another_request_keeps_no_words_of_the_one_before(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recogniser = StubRecogniser(accepts_hotwords=True)
        tools = worker.tools(recogniser)
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 4.0)
        worker.submit(recording(8))
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, _die_after(recogniser, 2)))
        jobs.release(worker.db, first)
        resumed = transcribe(
            Attempt.begin(tools, factories.claim(worker.db), lambda: None, request=HOTWORDS)
        )
        assert _words(resumed.transcript) == set(HOTWORDS.hotwords)


def _die_after(recogniser: StubRecogniser, batches: int) -> Callable[[], None]:
    def check() -> None:
        if len(recogniser.batches) >= batches:
            raise Stop

    return check


class TestLanguage:
    """The transcript's, where the job names none."""

    class Polyglot(StubRecogniser):
        """Hears Korean in spans of two seconds and more, English in shorter ones."""

        def recognise(
            self, speech: Sequence[Pcm], request: RecognitionRequest
        ) -> list[RecognisedSpan]:
            return [
                replace(said, language="ko" if len(pcm) >= 3 * SAMPLE_RATE else "en")
                for pcm, said in zip(speech, super().recognise(speech, request), strict=True)
            ]

    def test_it_is_the_one_that_is_spoken_longest_also_after_a_resume(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recogniser = self.Polyglot(languages=("zh", "en", "ko"))
        tools = worker.tools(recogniser)
        monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 4.0)
        worker.submit(recording(8))
        first = factories.claim(worker.db)
        with pytest.raises(Stop):
            transcribe(Attempt.begin(tools, first, _die_after(recogniser, 2)))
        jobs.release(worker.db, first)
        resumed = transcribe(
            Attempt.begin(tools, factories.claim(worker.db), lambda: None)
        ).transcript
        with worker.db.reading() as session:
            lengths: Counter[str] = Counter()
            for segment in session.scalars(select(Segment)):
                assert segment.language in ("ko", "en")
                lengths[segment.language] += segment.end_sample - segment.start_sample
        assert resumed.language == max(lengths, key=lengths.__getitem__)

    def test_one_that_the_job_names_is_taken_as_it_is(self, worker: Worker) -> None:
        tools = worker.tools(self.Polyglot(languages=("zh", "en", "ko")))
        transcript = _run(worker, tools, RecognitionRequest(language="zh"))
        assert transcript.language == "zh"


class TestPunctuatingRecogniser:
    def test_its_marks_end_sentences_and_nothing_is_punctuated(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Punctuating(StubRecogniser):
            def punctuate(self, words: Sequence[str]) -> list[str]:
                raise AssertionError("its words bring their marks along")

        stages: list[object] = []
        set_stage = jobs.set_stage

        def noted(*args: object, **values: object) -> object:
            stages.extend(arg for arg in args if isinstance(arg, Stage))
            return set_stage(*args, **values)  # type: ignore[arg-type]

        monkeypatch.setattr(jobs, "set_stage", noted)
        transcript = _run(worker, worker.tools(Punctuating(punctuates=True)), EMPTY_REQUEST)
        assert len(transcript.sentences) == 5  # one a span
        assert all(sentence.text.endswith("。") for sentence in transcript.sentences)
        assert "。" not in "".join(_words(transcript))
        assert Stage.SAVING in stages and Stage.PUNCTUATING not in stages

    def test_words_without_a_mark_are_left_as_they_are(self) -> None:
        words = [Word("好，", 0, 1, 0.5), Word("API", 1, 2), Word("吗？！", 2, 3)]
        bare, marks = split_marks(words)
        assert [word.word for word in bare] == ["好", "API", "吗"]
        assert marks == ["，", "", "？！"]
        assert bare[0].confidence == 0.5


def test_where_neighbours_change_what_is_heard_each_span_is_recognised_alone(
    worker: Worker,
) -> None:
    alone, together = StubRecogniser(is_batch_invariant=False), StubRecogniser()
    for recogniser in (alone, together):
        _run(worker, worker.tools(recogniser), EMPTY_REQUEST)
    assert alone.spans == [1] * 5
    assert sum(together.spans) == 5 and max(together.spans) > 1


def test_batches_are_planned_for_the_longest_span_that_the_recogniser_takes(
    worker: Worker,
) -> None:
    class Short(StubRecogniser):
        longest_span_s = 2.0

    recogniser = Short()
    model = recogniser.memory_model
    recogniser.memory_model = type(model)(
        model.fixed_bytes, model.bytes_per_second, bytes_per_second_squared=2**20
    )
    limited = worker.tools(recogniser).batch_sizer.choose(3_600)
    recogniser.longest_span_s = 60.0  # type: ignore[misc]
    assert worker.tools(recogniser).batch_sizer.choose(3_600).memory_cap_s < limited.memory_cap_s
