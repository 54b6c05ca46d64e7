"""The sample meeting by all bundled networks: every word with the voice that says it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from shared.settings import Settings
from shared.speakers import AUTOMATIC, Wanted, cut, speakers_of_words
from tests.support.speech import speech_models
from worker import demo_model
from worker.configured_recogniser import load_configured_encoder
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE
from worker.speaker_encoder import distance
from worker.voices.group_pieces import group
from worker.voices.pieces import hear_voices

SENTENCES: list[dict[str, Any]] = json.loads(
    demo_model.SAMPLE_REFERENCE.read_text(encoding="utf-8")
)["sentences"]


def who_says(time_s: float) -> str:
    nearest = min(SENTENCES, key=lambda s: max(s["start"] - time_s, time_s - s["end"], 0.0))
    return str(nearest["speaker"])


def test_each_word_has_the_voice_that_says_it(tmp_path: Path) -> None:
    recogniser = speech_models.recogniser()
    encoder = load_configured_encoder(Settings(data_dir=tmp_path, model="demo", device="cpu"))
    pcm = speech_models.meeting()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    speech = [pcm[span.start : span.end] for span in spans]
    said = recogniser.recognise(speech, EMPTY_REQUEST)
    found = hear_voices(speech, said, encoder)
    for pieces, span in zip(found, spans, strict=True):
        pieces["start"] += span.start
        pieces["end"] += span.start
    pieces = np.concatenate(found)
    voice_map = group(
        pieces["voice"],
        pieces["start"].tolist(),
        pieces["end"].tolist(),
        encoder=encoder.revision,
        threshold=distance(encoder.same_voice_cosine),
    )
    times = [
        (word.start + span.start / SAMPLE_RATE, word.end + span.start / SAMPLE_RATE)
        for span, each in zip(spans, said, strict=True)
        for word in each.words
    ]
    for wanted in (AUTOMATIC, Wanted(4, 4)):
        speakers = speakers_of_words(times, voice_map.pieces, cut(voice_map, wanted))
        pairs = Counter(
            (who_says((start + end) / 2), speaker)
            for (start, end), speaker in zip(times, speakers, strict=True)
        )
        right = sum(max(pairs[name, number] for number in range(1, 5)) for name in "ABCD")
        assert set(speakers) == {1, 2, 3, 4}
        assert right > 0.99 * len(times)
