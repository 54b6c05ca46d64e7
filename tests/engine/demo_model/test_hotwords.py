"""Hotwords of the bundled recogniser: a rare name is heard with its hotword and not without."""

from __future__ import annotations

import functools
import io
import json
import random
import subprocess
import sys

import numpy as np
import pytest

from tests.support.speech import speech_models
from worker.demo_model.recipe.hotwords.evaluation import unsaid_words
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm, RecognitionRequest

NAMES = {
    "必户": "散会以后请必户留一下",
    "送试": "散会以后请送试留一下",
    "散举做": "我同意散举做的看法",
    "日高脑": "我同意日高脑的看法",
}
"""Names that training never had, and a sentence with each."""


_SPEAK = """
import json, sys
import numpy as np
from worker.demo_model.recipe.speech.synthesis import synthesise
np.savez(sys.stdout.buffer, *(synthesise(text, "cmn+f2").audio for text in json.load(sys.stdin)))
"""


@functools.cache
def spoken() -> list[Pcm]:
    """Speak in a process of its own, for what was spoken before changes espeak-ng's samples."""
    said = subprocess.run(
        [sys.executable, "-c", _SPEAK],
        input=json.dumps(list(NAMES.values())).encode(),
        capture_output=True,
        check=True,
    )
    quiet = np.zeros(SAMPLE_RATE // 10, np.float32)
    audio = np.load(io.BytesIO(said.stdout))
    return [
        (np.concatenate([quiet, audio[name], quiet]) * 16_000).astype(np.int16)
        for name in audio.files
    ]


def heard(batch_size: int, words: tuple[str, ...] = ()) -> list[str]:
    request = RecognitionRequest(hotwords=words)
    texts = []
    for first in range(0, len(spoken()), batch_size):
        batch = spoken()[first : first + batch_size]
        results = speech_models.recogniser().recognise(batch, request)
        texts += ["".join(word.word for word in said.words) for said in results]
    return texts


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_a_rare_name_is_heard_with_its_hotword_and_not_without(batch_size: int) -> None:
    without = heard(batch_size)
    found = heard(batch_size, tuple(NAMES))
    for name, one, other in zip(NAMES, without, found, strict=True):
        assert name not in one
        assert name in other
    assert found == heard(len(NAMES), (*NAMES, "龘"))


def test_words_that_nobody_says_change_no_word_of_the_sample_meeting() -> None:
    """A confidence may move: one of 27 spans has another with these 200."""
    recogniser = speech_models.recogniser()
    pcm = speech_models.meeting()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    speech = [pcm[span.start : span.end] for span in spans]

    def said(request: RecognitionRequest) -> list[list[tuple[str, float, float]]]:
        results = recogniser.recognise(speech, request)
        return [[(word.word, word.start, word.end) for word in each.words] for each in results]

    words = tuple(unsaid_words(200, random.Random(200)))
    assert said(RecognitionRequest(hotwords=words)) == said(EMPTY_REQUEST)
