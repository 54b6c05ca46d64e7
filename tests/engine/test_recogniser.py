"""What every Recogniser promises, asked of the real networks and of the stub alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from shared.transcripts.values import Word
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.speech import speech_models
from worker.batching.batch_packing import plan_batches
from worker.batching.choose_size import choose_batch_size_s
from worker.pass_cost import PassCost
from worker.recogniser import (
    EMPTY_REQUEST,
    SAMPLE_RATE,
    BatchOutOfMemory,
    Pcm,
    RecognisedSpan,
    Recogniser,
    RecognitionRequest,
    SpeechSpan,
    UnsupportedRequest,
)

BACKENDS: dict[str, Callable[[], Recogniser]] = {
    "funasr": speech_models.recogniser,
    "stub": StubRecogniser,
    "stub that does more": functools.partial(
        StubRecogniser, languages=("en", "zh"), accepts_hotwords=True, punctuates=True
    ),
}


@pytest.fixture(params=BACKENDS)
def recogniser(request: pytest.FixtureRequest) -> Recogniser:
    return BACKENDS[request.param]()


def spans_of(recogniser: Recogniser, pcm: Pcm, block: int = 5 * SAMPLE_RATE) -> list[SpeechSpan]:
    detector = recogniser.voice_activity()
    blocks = [pcm[first : first + block] for first in range(0, len(pcm), block)]
    return [span for samples in blocks for span in detector.feed(samples)] + detector.finish()


def utterances(recogniser: Recogniser) -> list[Pcm]:
    """The first minute of the sample meeting, cut at its pauses."""
    pcm = speech_models.excerpt(0, 60)
    return [pcm[span.start : span.end] for span in spans_of(recogniser, pcm)]


def words_of(recogniser: Recogniser, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
    return [said.words for said in recogniser.recognise(speech, EMPTY_REQUEST)]


def same(one: Sequence[tuple[Word, ...]], other: Sequence[tuple[Word, ...]]) -> bool:
    """Equal in words and times, and in confidence but for the last digit: matrix products of
    another shape round differently, and in about one of a hundred thousand words that moves it."""
    certain = [[word.confidence or 0.0 for said in each for word in said] for each in (one, other)]
    without = [
        [[replace(word, confidence=None) for word in said] for said in each]
        for each in (one, other)
    ]
    return without[0] == without[1] and bool(np.allclose(*certain, rtol=0, atol=0.0101))


# --- recognise ---------------------------------------------------------------------------------


def test_one_result_for_each_span_in_order(recogniser: Recogniser) -> None:
    spoken = utterances(recogniser)
    together = words_of(recogniser, spoken)
    assert len(together) == len(spoken)
    assert all(together)
    assert same(together[::-1], words_of(recogniser, spoken[::-1]))


def test_the_networks_say_how_certain_each_word_is() -> None:
    said = [
        word
        for words in words_of(speech_models.recogniser(), utterances(speech_models.recogniser()))
        for word in words
    ]
    assert said and all(0.0 < (word.confidence or 0.0) <= 1.0 for word in said)


def test_the_company_in_a_batch_changes_neither_words_nor_times(recogniser: Recogniser) -> None:
    assert recogniser.is_batch_invariant
    spoken = utterances(recogniser)
    alone = [words_of(recogniser, [pcm])[0] for pcm in spoken]
    for size in (2, 3, 5, len(spoken)):
        batches = [spoken[first : first + size] for first in range(0, len(spoken), size)]
        assert same([words for batch in batches for words in words_of(recogniser, batch)], alone)


def test_a_partner_of_sixty_seconds_changes_nothing(recogniser: Recogniser) -> None:
    assert recogniser.is_batch_invariant
    short = utterances(recogniser)[:3]
    long = speech_models.excerpt(60, 120)
    alone = [words_of(recogniser, [pcm])[0] for pcm in short]
    assert same(words_of(recogniser, [*short, long])[:3], alone)
    assert same(words_of(recogniser, [long, *short])[1:], alone)


def test_asking_twice_gives_the_same(recogniser: Recogniser) -> None:
    spoken = utterances(recogniser)[:4]
    assert words_of(recogniser, spoken) == words_of(recogniser, spoken)


def test_times_lie_within_the_span_and_in_order(recogniser: Recogniser) -> None:
    spoken = utterances(recogniser)
    for pcm, words in zip(spoken, words_of(recogniser, spoken), strict=True):
        starts = [word.start for word in words]
        assert starts == sorted(starts)
        for word in words:
            assert 0 <= word.start < word.end <= len(pcm) / SAMPLE_RATE + 0.06


def test_no_spans_give_no_results(recogniser: Recogniser) -> None:
    assert words_of(recogniser, []) == []


@pytest.mark.parametrize("samples", [0, 1, 160, 399])
def test_less_than_one_frame_holds_no_words(recogniser: Recogniser, samples: int) -> None:
    assert words_of(recogniser, [np.full(samples, 9_000, dtype=np.int16)]) == [()]


@pytest.mark.parametrize("samples", [400, 560, 1_000, 1_600])
def test_very_short_spans_are_recognised_without_error(
    recogniser: Recogniser, samples: int
) -> None:
    ((),) = words_of(recogniser, [np.zeros(samples, dtype=np.int16)])


def test_silence_holds_no_words_and_takes_none_from_its_neighbours(
    recogniser: Recogniser,
) -> None:
    said = utterances(recogniser)[0]
    batch: Sequence[Pcm] = [
        speech_models.silence(2),
        said,
        speech_models.silence(0),
        speech_models.silence(0.01),
    ]
    assert same(words_of(recogniser, batch), [(), words_of(recogniser, [said])[0], (), ()])


def test_a_batch_in_which_nothing_is_said_has_a_result_for_each(recogniser: Recogniser) -> None:
    """FunASR answers such a batch with one empty result, and then drops the whole file."""
    assert words_of(recogniser, [speech_models.silence(1), speech_models.silence(3)]) == [(), ()]


def test_each_result_names_a_language_of_the_recogniser_where_something_is_said(
    recogniser: Recogniser,
) -> None:
    said, nothing = recogniser.recognise(
        [utterances(recogniser)[0], speech_models.silence(1)], EMPTY_REQUEST
    )
    assert said.language in recogniser.languages
    assert nothing == RecognisedSpan()


# --- what it can do, and what is asked of it ---------------------------------------------------


def test_its_usual_language_may_be_asked_for_and_changes_nothing(recogniser: Recogniser) -> None:
    spoken = utterances(recogniser)[:2]
    asked = recogniser.recognise(spoken, RecognitionRequest(language=recogniser.languages[0]))
    assert asked == recogniser.recognise(spoken, EMPTY_REQUEST)


def test_a_language_that_it_does_not_know_is_refused_and_not_ignored(
    recogniser: Recogniser,
) -> None:
    with pytest.raises(UnsupportedRequest, match="language 'tlh'"):
        recogniser.recognise([speech_models.silence(1)], RecognitionRequest(language="tlh"))


def test_hotwords_are_refused_where_it_takes_none(recogniser: Recogniser) -> None:
    request = RecognitionRequest(hotwords=("网关",))
    speech = [speech_models.silence(1)]
    if recogniser.accepts_hotwords:
        assert len(recogniser.recognise(speech, request)) == 1
    else:
        with pytest.raises(UnsupportedRequest, match="takes no hotwords"):
            recogniser.recognise(speech, request)


def test_words_bring_marks_along_only_where_it_punctuates(recogniser: Recogniser) -> None:
    said = [word.word for words in words_of(recogniser, utterances(recogniser)) for word in words]
    assert any(word[-1] in "，。？" for word in said) is recogniser.punctuates
    assert all(word.strip("，。？") for word in said)


def test_its_voice_activity_gives_no_span_longer_than_it_takes(recogniser: Recogniser) -> None:
    without_pauses = np.concatenate([utterances(recogniser)[0]] * 40)
    longest = max(span.seconds for span in spans_of(recogniser, without_pauses))
    assert 20 < longest <= recogniser.longest_span_s


# --- voice activity ----------------------------------------------------------------------------


def test_spans_are_found_in_order_within_the_recording(recogniser: Recogniser) -> None:
    pcm = speech_models.excerpt(0, 60)
    spans = spans_of(recogniser, pcm)
    assert len(spans) > 3
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(pcm)


@pytest.mark.parametrize("block", [1_234, 16_000, 400_000, 10_000_000])
def test_the_blocks_fed_in_do_not_change_the_spans(recogniser: Recogniser, block: int) -> None:
    pcm = speech_models.excerpt(0, 45)
    assert spans_of(recogniser, pcm, block) == spans_of(recogniser, pcm)


@pytest.mark.parametrize("seconds", [0, 0.00625, 0.01, 0.025, 0.2, 5, 65])
def test_silence_of_any_length_has_no_spans(recogniser: Recogniser, seconds: float) -> None:
    assert spans_of(recogniser, speech_models.silence(seconds)) == []


def test_detectors_of_two_recordings_do_not_mix(recogniser: Recogniser) -> None:
    one, other = speech_models.excerpt(0, 40), speech_models.excerpt(40, 80)
    expected = spans_of(recogniser, one), spans_of(recogniser, other)
    detectors = recogniser.voice_activity(), recogniser.voice_activity()
    found: tuple[list[SpeechSpan], list[SpeechSpan]] = ([], [])
    for first in range(0, len(one), 16_000):
        for detector, pcm, spans in zip(detectors, (one, other), found, strict=True):
            spans += detector.feed(pcm[first : first + 16_000])
    for detector, spans in zip(detectors, found, strict=True):
        spans += detector.finish()
    assert found == expected


def test_a_detector_that_was_fed_nothing_finishes_empty(recogniser: Recogniser) -> None:
    assert recogniser.voice_activity().finish() == []


# --- punctuate ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 19, 20, 21, 60, 700])
def test_every_word_gets_one_mark_and_the_last_ends_a_sentence(
    recogniser: Recogniser, count: int
) -> None:
    words = (["我", "们", "用", "redis", "和", "API"] * 120)[:count]
    marks = recogniser.punctuate(words)
    assert len(marks) == count
    assert all(len(mark) <= 1 for mark in marks)
    assert marks == [] or marks[-1] in "。？.?"


# --- identity and memory -----------------------------------------------------------------------


def test_an_identity_names_the_weights(recogniser: Recogniser) -> None:
    identity = recogniser.identity
    assert identity.name
    assert identity.revision
    assert identity.device == "cpu"


def test_memory_is_told_and_the_peak_can_be_reset(recogniser: Recogniser) -> None:
    assert recogniser.memory.headroom_bytes() > 0
    recogniser.memory.reset_peak()
    before = recogniser.memory.peak_bytes()
    words_of(recogniser, [speech_models.excerpt(0, 30)] * 4)
    assert recogniser.memory.peak_bytes() > before > 0


def test_a_batch_of_the_chosen_size_stays_below_the_predicted_peak(
    recogniser: Recogniser,
) -> None:
    decision = choose_batch_size_s(
        3_600, recogniser.memory.headroom_bytes(), recogniser.memory_model, fixed_s=240
    )
    assert decision.batch_size_s == 240
    pcm = [speech_models.excerpt(10 * i, 10 * i + 15) for i in range(16)]
    spans = [SpeechSpan(0, len(samples)) for samples in pcm]
    (batch,) = plan_batches(
        spans, decision.batch_size_s, pass_cost=PassCost(1_000), max_padding=9
    ).batches
    recogniser.memory.reset_peak()
    resident = recogniser.memory.peak_bytes()
    words_of(recogniser, [pcm[i] for i in batch.indices])
    used = recogniser.memory.peak_bytes() - resident
    assert used <= decision.predicted_peak_bytes - recogniser.memory_model.resident_bytes


# --- the stub's own knobs ----------------------------------------------------------------------


def test_the_stub_runs_out_of_memory_where_it_is_told_to() -> None:
    stub = StubRecogniser(out_of_memory_above_s=10)
    second = speech_models.excerpt(1, 2)
    assert len(stub.recognise([second] * 10, EMPTY_REQUEST)) == 10
    with pytest.raises(BatchOutOfMemory):
        stub.recognise([second] * 11, EMPTY_REQUEST)
    assert stub.batches == [10.0, 11.0]
