"""The sample meeting by all bundled networks: every word with the voice that says it."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from shared.settings import Settings
from shared.speakers import AUTOMATIC, SpeakerCount, VoiceMap, cut, speakers_of_words
from tests.support.speech import speech_models
from worker import demo_model
from worker.configured_recogniser import load_configured_encoder
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, SpeechSpan
from worker.speaker_encoder import SpeakerEncoder, distance
from worker.voices.make_voice_map import group
from worker.voices.pieces import hear_voices

SENTENCES: list[dict[str, Any]] = json.loads(
    demo_model.SAMPLE_REFERENCE.read_text(encoding="utf-8")
)["sentences"]


def who_says(time_s: float) -> str:
    nearest = min(SENTENCES, key=lambda s: max(s["start"] - time_s, time_s - s["end"], 0.0))
    return str(nearest["speaker"])


Times = list[tuple[float, float]]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeakerEncoder:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), model="demo", device="cpu")
    return load_configured_encoder(settings)


@functools.cache
def spans_of_speech() -> tuple[SpeechSpan, ...]:
    detector = speech_models.recogniser().voice_activity()
    return (*detector.feed(speech_models.meeting()), *detector.finish())


def heard(
    encoder: SpeakerEncoder, batches: Sequence[Sequence[SpeechSpan]]
) -> tuple[VoiceMap, Times]:
    """The voices of the meeting, and when its words are said, batch by batch."""
    pcm = speech_models.meeting()
    pieces, times = [], []
    for batch in batches:
        speech = [pcm[span.start : span.end] for span in batch]
        said = speech_models.recogniser().recognise(speech, EMPTY_REQUEST)
        for found, each, span in zip(hear_voices(speech, said, encoder), said, batch, strict=True):
            found["start"] += span.start
            found["end"] += span.start
            pieces.append(found)
            start_s = span.start / SAMPLE_RATE
            times += [(start_s + word.start, start_s + word.end) for word in each.words]
    together = np.concatenate(pieces)
    voice_map = group(
        together["voice"],
        together["start"].tolist(),
        together["end"].tolist(),
        encoder=encoder.revision,
        threshold=distance(encoder.same_voice_cosine),
    )
    return voice_map, times


@pytest.fixture(scope="module")
def at_once(encoder: SpeakerEncoder) -> tuple[VoiceMap, Times]:
    """The whole meeting in one batch."""
    return heard(encoder, [spans_of_speech()])


def test_each_word_has_the_voice_that_says_it(at_once: tuple[VoiceMap, Times]) -> None:
    voice_map, times = at_once
    for wanted in (AUTOMATIC, SpeakerCount(4, 4)):
        speakers = speakers_of_words(times, voice_map.pieces, cut(voice_map, wanted))
        pairs = Counter(
            (who_says((start + end) / 2), speaker)
            for (start, end), speaker in zip(times, speakers, strict=True)
        )
        right = sum(max(pairs[name, number] for number in range(1, 5)) for name in "ABCD")
        assert set(speakers) == {1, 2, 3, 4}
        assert right > 0.99 * len(times)


def test_voices_are_the_same_in_every_batch_and_order(
    encoder: SpeakerEncoder, at_once: tuple[VoiceMap, Times]
) -> None:
    spans = spans_of_speech()
    expected, _ = at_once
    one_by_one, _ = heard(encoder, [[span] for span in reversed(spans)])
    by_length = sorted(spans, key=lambda span: span.end - span.start)
    in_sevens, _ = heard(encoder, [by_length[at : at + 7] for at in range(0, len(spans), 7)])
    assert expected == one_by_one == in_sevens
