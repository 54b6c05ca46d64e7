"""When two speak at once, where each was heard by himself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.export.json import write
from shared.export.options import ExportOptions, Provenance
from shared.transcripts.overlap import overlap_of, times_at_once
from shared.transcripts.values import Sentence, Transcript, Word
from worker.pipeline.assemble import assemble


def said(*times: tuple[float, float]) -> list[Word]:
    return [Word("好", start, end) for start, end in times]


def spoken(*sentences: tuple[float, float], at_once: tuple[tuple[float, float], ...]) -> Transcript:
    made = tuple(Sentence(start, end, "好。") for start, end in sentences)
    return Transcript(10.0, "zh", "demo", made, at_once=at_once)


def test_two_speak_at_once_where_words_of_both_are_said() -> None:
    anna, bo = said((0, 0.5), (0.6, 1.0), (3.0, 3.4)), said((0.8, 1.2), (3.5, 4.0))
    assert times_at_once([("Anna", anna), ("Bo", bo)]) == ((0.8, 1.0),)


def test_between_two_words_that_are_near_somebody_goes_on_speaking() -> None:
    anna = said((0, 1.0), (1.25, 2.0), (2.5, 3.0))
    assert times_at_once([("Anna", anna), ("Bo", said((0.5, 2.8)))]) == ((0.5, 2.0), (2.5, 2.8))


def test_nobody_speaks_at_once_with_himself() -> None:
    assert times_at_once([("Anna", said((0, 1))), ("Anna", said((0.2, 2)))]) == ()
    assert times_at_once([]) == () and times_at_once([("Anna", [])]) == ()


def test_less_than_words_times_are_exact_to_is_no_overlap() -> None:
    assert times_at_once([("Anna", said((0, 1))), ("Bo", said((0.95, 2)))]) == ()
    assert times_at_once([("Anna", said((0, 1))), ("Bo", said((1, 2)))]) == ()


def test_three_at_once_are_one_time() -> None:
    times = [("Anna", said((0, 3))), ("Bo", said((1, 4))), ("Eve", said((2, 5)))]
    assert times_at_once(times) == ((1, 4),)


def test_each_sentence_has_its_part_and_the_total_counts_a_moment_once() -> None:
    transcript = spoken((0, 4), (1, 3), (2, 5), (6, 7), at_once=((1, 4),))
    found = overlap_of(transcript, [1, 2, 3, 1])
    assert found == ([3, 2, 2, 0], 3)
    shuffled = replace(transcript, sentences=transcript.sentences[::-1])
    assert overlap_of(shuffled, [1, 3, 2, 1]) == ([0, 2, 2, 3], 3)


def test_two_who_are_one_person_do_not_overlap() -> None:
    transcript = spoken((0, 4), (1, 3), at_once=((1, 3),))
    assert overlap_of(transcript, [1, 1]) == ([0, 0], 0)
    assert overlap_of(transcript, [1, None]) == ([0, 0], 0)
    removed = replace(transcript.sentences[1], text="")
    without = replace(transcript, sentences=(transcript.sentences[0], removed))
    assert overlap_of(without, [1, 2]) == ([0, 0], 0)


def test_the_worker_measures_it_where_each_was_heard_by_himself_alone() -> None:
    words = said((0, 1), (1.1, 2), (1.5, 2.5))
    about = {"duration": 3.0, "language": "zh", "model": "demo"}
    made = assemble(words, ["", "。", "。"], turns=[(0, "左"), (2, "右")], **about)
    assert made.at_once == ((1.5, 2),)
    assert assemble(words, ["", "。", "。"], turns=[(0, None)], **about).at_once is None
    assert assemble(words, ["", "。", "。"], **about).at_once is None


@pytest.mark.parametrize("at_once", [None, (), ((1.0, 1.5),)])
def test_it_is_kept_with_the_transcript_and_stands_in_json(
    at_once: tuple[tuple[float, float], ...] | None,
) -> None:
    transcript = Transcript(
        *(3.0, "zh", "demo"),
        (Sentence(0, 2, "好。", speaker="左"), Sentence(1, 3, "是。", speaker="右")),
        at_once=at_once,
    )
    assert Transcript.read(json.dumps(transcript.to_json())) == transcript
    old = transcript.to_json()
    del old["at_once"]
    assert Transcript.from_json(old).at_once is None
    file = json.loads(write(transcript, Provenance("j", "f.wav"), ExportOptions()))
    expected = None if at_once is None else 0.5 if at_once else 0.0
    assert [one["overlap"] for one in file["sentences"]] == [expected, expected]
