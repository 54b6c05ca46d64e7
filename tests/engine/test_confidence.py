"""Confidence tells what is wrong, on the sample meeting made hard to understand.

`tests/bench/engine/test_confidence.py` measures more conditions on other meetings.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import soundfile

from shared.settings import Settings
from shared.transcripts.confidence import LOW_CONFIDENCE_SHARE
from shared.transcripts.values import Word
from tests.support.speech import speech_models
from tests.support.speech.confidence import Judged, area_under_curve, judged
from tests.support.speech.stress import Stress, by_telephone, in_a_room, with_noise
from worker import demo_model
from worker.pipeline.assemble import LOW_CONFIDENCE, assemble

BELOW = Settings.model_fields["low_confidence"].default
SECONDS = 90

STRESSES: dict[str, Stress | None] = {
    "clean": None,
    "noise": with_noise(5),
    "room": in_a_room(0.6),
    "telephone": by_telephone(),
}


@cache
def heard(name: str) -> Judged:
    audio, rate = soundfile.read(demo_model.SAMPLE_MEETING, dtype="float32")
    reference = json.loads(demo_model.SAMPLE_REFERENCE.read_text(encoding="utf-8"))
    sentences = [each for each in reference["sentences"] if each["end"] < SECONDS]
    cut = audio[: round((sentences[-1]["end"] + 0.3) * rate)]
    stress = STRESSES[name]
    if stress is not None:
        cut = stress(cut, np.random.default_rng(3))
    return judged(speech_models.recogniser(), cut, {"sentences": sentences}, below=BELOW)


def test_wrong_words_are_told_from_right_ones() -> None:
    hard = [heard(name) for name in STRESSES if name != "clean"]
    right = np.concatenate([each.right for each in hard])
    assert 50 < (~right).sum() < len(right) / 2
    assert area_under_curve(right, np.concatenate([each.confidence for each in hard])) >= 0.85


def test_a_text_with_many_errors_is_doubtful_and_a_clean_one_is_not() -> None:
    found = {name: heard(name) for name in STRESSES}
    assert found["clean"].error_rate < 0.05
    assert found["clean"].doubtful_share < LOW_CONFIDENCE_SHARE / 4
    wrong = {name: each for name, each in found.items() if each.error_rate > 0.15}
    assert len(wrong) >= 2
    assert all(each.doubtful_share >= LOW_CONFIDENCE_SHARE for each in wrong.values())


@pytest.mark.parametrize(
    ("confidences", "share", "warned"),
    [
        ([0.59] + [0.99] * 8, 1 / 9, False),
        ([0.59] + [0.99] * 7, 1 / 8, True),
        ([0.6, 0.6], 0.0, False),
        ([None, 0.1], 1.0, True),
        ([None, None], None, False),
        ([], None, False),
    ],
)
def test_a_transcript_tells_the_share_of_its_doubtful_words(
    confidences: list[float | None], share: float | None, warned: bool
) -> None:
    words = [Word("好", n, n + 0.5, confidence) for n, confidence in enumerate(confidences)]
    transcript = assemble(
        words, [""] * len(words), duration=9, language="zh", model="m", low_confidence=0.6
    )
    if share is None:
        assert transcript.low_confidence_share is None
    else:
        assert transcript.low_confidence_share == pytest.approx(share, abs=1e-4)
    assert (LOW_CONFIDENCE in transcript.warnings) is warned
