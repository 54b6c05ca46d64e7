"""The recipe of the bundled speaker encoder: who is heard, how it is measured, and a training."""

from __future__ import annotations

import multiprocessing
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.speech.espeak_voices import say_with_all_voices
from worker.demo_model.recipe.speech.meeting import SPEAKERS
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, VOICES, synthesise, use_data
from worker.demo_model.recipe.training import train_speakers
from worker.demo_model.recipe.voices import corpus, trials
from worker.demo_model.recipe.voices.identities import (
    identities,
    random_variant,
    write_data,
)
from worker.demo_model.speaker_tdnn import MEL_BINS
from worker.engine.speakers.encoder import load_encoder
from worker.engine.speakers.features import WINDOW_FRAMES
from worker.model_store.locate import ModelFolder
from worker.speaker_encoder import WINDOW_SAMPLES


def strangers(people: int, each: int = 3) -> corpus.Utterances:
    """Features of people who differ in nothing but a few bins."""
    torch.manual_seed(people)
    frames, speakers = [], []
    for speaker in range(people):
        colour = torch.randn(MEL_BINS) * torch.linspace(0, 1, 350)[:, None]
        for _ in range(each):
            frames.append((colour + torch.randn(350, MEL_BINS)).half())
            speakers.append(speaker)
    return corpus.Utterances(frames, speakers, [f"cmn+x{number}" for number in range(people)])


# --- who is heard ------------------------------------------------------------------------------


def test_nobody_is_in_two_groups_and_the_voices_of_tests_are_never_trained_on() -> None:
    people = identities()
    groups = [
        {voice["voice"] for voice in group}
        for group in (people.training, people.choosing, people.held_out)
    ]
    assert len(set.union(*groups)) == sum(map(len, groups))
    assert len(groups[0]) >= 200
    assert groups[2] == set(VOICES)
    assert groups[2] >= {speaker["voice"] for speaker in SPEAKERS.values()}


def test_the_same_people_come_every_time() -> None:
    assert identities() == identities()
    assert random_variant("a", random.Random(1)) == random_variant("a", random.Random(1))
    assert random_variant("a", random.Random(1)) != random_variant("a", random.Random(2))


def test_espeak_speaks_with_every_voice(tmp_path: Path) -> None:
    """It is one instance in a process, with the voices that it began with."""
    write_data(tmp_path / "data")
    process = multiprocessing.get_context("spawn").Process(
        target=say_with_all_voices, args=(tmp_path / "data",)
    )
    process.start()
    process.join()
    assert process.exitcode == 0


def test_other_voices_come_too_late_once_something_was_said(tmp_path: Path) -> None:
    synthesise("大家好")
    with pytest.raises(RuntimeError, match="started already"):
        use_data(tmp_path)


def test_rooms_and_noise_leave_the_length_and_move_the_level_as_told() -> None:
    generator = np.random.default_rng(1)
    tone = np.sin(np.arange(2 * SAMPLE_RATE) / 8).astype(np.float32)
    assert len(corpus.reverberated(tone, 0.5, 0.0, generator)) == len(tone)
    noise = corpus.noisy(tone, 20.0, random.Random(1), generator) - tone
    assert 20 * np.log10(tone.std() / noise.std()) == pytest.approx(20, abs=1)


# --- how it is measured ------------------------------------------------------------------------


def test_the_equal_error_rate_is_where_both_errors_are_alike() -> None:
    same = np.array([0.9, 0.8, 0.7, 0.3])
    different = np.array([0.5, 0.2, 0.1, 0.0])
    assert trials.Comparisons(same, different).equal_error_rate()[0] == 25.0
    rate, cosine = trials.Comparisons(same[:3], different).equal_error_rate()
    assert rate == 0.0
    assert 0.5 < cosine <= 0.7


def test_pairs_are_of_one_person_or_of_two_and_of_one_kind_where_asked() -> None:
    found, speakers = torch.eye(192)[:5], torch.tensor([0, 0, 1, 1, 2])
    compared = trials.compare(found, speakers)
    assert (len(compared.same), len(compared.different)) == (2, 8)
    assert len(trials.compare(found, speakers, kinds=[0, 1, 1]).different) == 2


def test_a_window_is_as_long_as_the_engines() -> None:
    assert trials.WINDOW == WINDOW_FRAMES
    found, speakers = trials.windows(strangers(2), random.Random(1), spoken=60)
    assert found.shape == (6, WINDOW_FRAMES, MEL_BINS)
    assert torch.equal(found[0, :60], found[0, 60:120])
    assert speakers.tolist() == [0, 0, 0, 1, 1, 1]


# --- training ----------------------------------------------------------------------------------


def test_the_margin_moves_a_windows_own_person_away_and_nobody_else() -> None:
    cosines = torch.tensor([[0.5, 0.2], [0.1, 0.9]])
    moved = train_speakers.with_margin(cosines, torch.tensor([0, 1]), 0.2)
    assert moved[0, 1] == 0.2 and moved[1, 0] == 0.1
    assert moved[0, 0] < 0.5 and moved[1, 1] < 0.9
    assert moved[0, 0] == pytest.approx(np.cos(np.arccos(0.5) + 0.2))


def test_an_encoder_learns_to_tell_strangers_apart_and_is_written(tmp_path: Path) -> None:
    schedule = train_speakers.Schedule(steps=25, people=8, warmup=1)
    people = strangers(8)
    figures = train_speakers.train([people, people, people], schedule, tmp_path / "spk")
    assert figures["equal_error_percent"]["window_1_5_s"] < 25
    assert figures["people"] == {"training": 8, "choosing": 8, "held_out": 8}
    encoder = load_encoder(ModelFolder("spk", tmp_path / "spk", "1"), torch.device("cpu"))
    assert encoder.same_voice_cosine == figures["same_voice_cosine"]
    assert encoder.embed([np.zeros(WINDOW_SAMPLES, np.int16)]).shape == (1, 192)
