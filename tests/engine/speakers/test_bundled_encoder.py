"""The bundled encoder tells the four voices of the sample meeting apart. It was trained on none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.support.speech import speech_models
from worker import demo_model
from worker.engine.speakers.encoder import BatchedSpeakerEncoder, load_encoder
from worker.model_store.locate import ModelFolder
from worker.model_store.revision import examine
from worker.recogniser import Pcm
from worker.speaker_encoder import WINDOW_SAMPLES

SENTENCES: list[dict[str, Any]] = json.loads(
    demo_model.SAMPLE_REFERENCE.read_text(encoding="utf-8")
)["sentences"]
LEAST_S = 2.25
"""Two windows, half a window apart."""


@pytest.fixture(scope="module")
def encoder() -> BatchedSpeakerEncoder:
    folder = ModelFolder("demo", demo_model.SPK_DIR, examine(demo_model.SPK_DIR).revision)
    return load_encoder(folder, torch.device("cpu"))


def windows(sentence: dict[str, Any]) -> Iterator[Pcm]:
    spoken = speech_models.excerpt(sentence["start"], sentence["end"])
    for start in (0, WINDOW_SAMPLES // 2):
        yield spoken[start : start + WINDOW_SAMPLES]


@pytest.fixture(scope="module")
def voices(encoder: BatchedSpeakerEncoder) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """The mean vector of each sentence that is long enough, and who speaks it."""
    long = [each for each in SENTENCES if each["end"] - each["start"] > LEAST_S + 0.1]
    assert len(long) > 20
    vectors = encoder.embed([window for each in long for window in windows(each)])
    means = vectors.reshape(len(long), 2, -1).mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return means, np.array([each["speaker"] for each in long])


def test_sentences_of_one_voice_are_alike_and_of_two_are_not(
    encoder: BatchedSpeakerEncoder,
    voices: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    means, who = voices
    cosines = means @ means.T
    pairs = np.triu_indices(len(who), 1)
    is_same = (who[:, None] == who)[pairs]
    is_alike = cosines[pairs] >= encoder.same_voice_cosine
    assert is_alike[is_same].mean() > 0.95
    assert is_alike[~is_same].mean() < 0.02


def test_each_sentence_is_nearest_to_its_own_voice(
    voices: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    means, who = voices
    for sentence in range(len(who)):
        others = np.arange(len(who)) != sentence
        likeness = {
            name: float(np.mean(means[(who == name) & others] @ means[sentence]))
            for name in sorted(set(who))
        }
        assert max(likeness, key=lambda name: likeness[name]) == who[sentence], sentence


def test_the_folder_is_small_and_says_what_it_is() -> None:
    files = {file.name: file.stat().st_size for file in demo_model.SPK_DIR.iterdir()}
    assert set(files) == {"config.yaml", "model.pt"}
    assert files["model.pt"] < 1_500_000
