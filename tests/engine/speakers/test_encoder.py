"""A speaker encoder: a window's vector, whatever else is asked, and as FunASR has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.speech import speech_models
from tests.support.speech.speaker_folders import (
    CAMPPLUS_CONF,
    campplus,
    campplus_folder,
    tdnn_folder,
)
from worker.engine.speakers.encoder import (
    MOST_PASS_WINDOWS,
    PASS_WINDOWS,
    BatchedSpeakerEncoder,
    load_encoder,
)
from worker.engine.speakers.features import WINDOW_FRAMES, speaker_fbank, window_features
from worker.recogniser import SAMPLE_RATE, Pcm
from worker.speaker_encoder import VECTOR_SIZE, WINDOW_SAMPLES, SpeakerEncoder

CPU = torch.device("cpu")


def windows(count: int) -> list[Pcm]:
    """Of the sample meeting, every second."""
    pcm = speech_models.excerpt(0, count + 2)
    starts = range(0, count * SAMPLE_RATE, SAMPLE_RATE)
    return [pcm[start : start + WINDOW_SAMPLES] for start in starts]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> BatchedSpeakerEncoder:
    return load_encoder(tdnn_folder(tmp_path_factory.mktemp("encoder") / "tdnn"), CPU)


@pytest.fixture(scope="module")
def campplus_encoder(tmp_path_factory: pytest.TempPathFactory) -> BatchedSpeakerEncoder:
    return load_encoder(campplus_folder(tmp_path_factory.mktemp("encoder") / "campplus"), CPU)


def funasrs_features(window: Pcm) -> torch.Tensor:
    from funasr.models.campplus.utils import extract_feature

    samples = torch.from_numpy(window.astype(np.float32) / 32768)
    return extract_feature([samples])[0][0]


# --- vectors -----------------------------------------------------------------------------------


def test_a_vector_of_length_one_for_each_window(encoder: SpeakerEncoder) -> None:
    vectors = encoder.embed(windows(PASS_WINDOWS + 3))
    assert vectors.shape == (PASS_WINDOWS + 3, VECTOR_SIZE)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.embed([]).shape == (0, VECTOR_SIZE)


@pytest.mark.parametrize("network", ["encoder", "campplus_encoder"])
def test_a_vector_depends_on_its_own_window_alone(
    request: pytest.FixtureRequest, network: str
) -> None:
    """To the last bit: at any place of a pass, alone or in company."""
    encoder: SpeakerEncoder = request.getfixturevalue(network)
    spoken = windows(PASS_WINDOWS + 3)
    together = encoder.embed(spoken)
    assert np.array_equal(encoder.embed(spoken[::-1]), together[::-1])
    assert np.array_equal(encoder.embed(spoken[4:5]), together[4:5])
    assert np.array_equal(encoder.embed(spoken[5:12]), together[5:12])


@pytest.mark.parametrize(
    ("network", "wanted", "passes"),
    [
        ("campplus_encoder", MOST_PASS_WINDOWS + 2, [49, 49]),
        ("campplus_encoder", MOST_PASS_WINDOWS, [MOST_PASS_WINDOWS]),
        ("campplus_encoder", 3, [3]),
        ("encoder", 19, [PASS_WINDOWS, PASS_WINDOWS]),
    ],
)
def test_passes_are_filled_up_as_little_as_the_network_allows(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
    wanted: int,
    passes: list[int],
) -> None:
    encoder: BatchedSpeakerEncoder = request.getfixturevalue(network)
    sizes: list[int] = []

    def counted(features: torch.Tensor) -> torch.Tensor:
        sizes.append(len(features))
        return torch.ones(len(features), VECTOR_SIZE)

    monkeypatch.setattr(encoder, "_model", counted)
    assert encoder.embed(windows(wanted)).shape == (wanted, VECTOR_SIZE)
    assert sizes == passes


def test_loudness_means_nothing(encoder: SpeakerEncoder) -> None:
    window = windows(4)[3] // 2
    louder, softer = encoder.embed([window * 2, window])
    assert louder @ softer > 0.999


def test_silence_has_a_vector_too(encoder: SpeakerEncoder) -> None:
    assert np.isfinite(encoder.embed([np.zeros(WINDOW_SAMPLES, np.int16)])).all()


@pytest.mark.parametrize("samples", [0, WINDOW_SAMPLES - 1, WINDOW_SAMPLES + 1])
def test_a_window_of_another_length_is_refused(encoder: SpeakerEncoder, samples: int) -> None:
    with pytest.raises(ValueError, match=str(samples)):
        encoder.embed([windows(1)[0], np.zeros(samples, np.int16)])


# --- as FunASR ---------------------------------------------------------------------------------


def test_the_features_are_funasrs() -> None:
    quiet = (windows(3)[2] // 256).astype(np.int16)
    spoken = [*windows(3), quiet, np.zeros(WINDOW_SAMPLES, np.int16)]
    features = window_features(speaker_fbank(CPU), spoken)
    assert features.shape == (len(spoken), WINDOW_FRAMES, 80)
    for ours, window in zip(features, spoken, strict=True):
        assert (ours - funasrs_features(window)).abs().max() < 2e-3


def test_the_vectors_of_campplus_are_funasrs(campplus_encoder: SpeakerEncoder) -> None:
    spoken = windows(5)
    ours = campplus_encoder.embed(spoken)
    stock = campplus(CAMPPLUS_CONF)
    with torch.inference_mode():
        for vector, window in zip(ours, spoken, strict=True):
            theirs = stock(funasrs_features(window)[None])[0].numpy()
            assert np.abs(vector - theirs / np.linalg.norm(theirs)).max() < 1e-3
    assert abs(ours[0] @ ours[4]) < 0.9999  # the network hears something


SHARED = {
    "whole frames apart": [0, 9_120, 12_160, 36_000],
    "not so": [0, 9_000, 18_000],
    "both": [3, 8_963, 8_964, 16_964],
    "backwards": [16_000, 8_000, 0],
    "one again and again": [800, 800, 800],
    "without an end": [4_800 * number for number in range(40)],
}


@pytest.mark.parametrize("begins", SHARED.values(), ids=SHARED)
def test_windows_that_share_frames_have_the_features_of_each_alone(begins: list[int]) -> None:
    """To the last bit, for passes begin at any window."""
    pcm = speech_models.excerpt(0, 16)
    spoken = [pcm[begin : begin + WINDOW_SAMPLES] for begin in begins]
    fbank = speaker_fbank(CPU)
    alone = [window_features(fbank, [window.copy()]) for window in spoken]
    assert torch.equal(window_features(fbank, spoken), torch.cat(alone))


def test_only_what_is_next_to_each_other_in_memory_is_shared() -> None:
    every_second = speech_models.excerpt(0, 5)[::2]
    apart = [every_second[:WINDOW_SAMPLES], every_second[160 : 160 + WINDOW_SAMPLES]]
    in_turns = [*windows(2), np.zeros(WINDOW_SAMPLES, np.int16), *windows(2)]
    fbank = speaker_fbank(CPU)
    for spoken in (apart, in_turns):
        alone = [window_features(fbank, [window.copy()]) for window in spoken]
        assert torch.equal(window_features(fbank, spoken), torch.cat(alone))


def test_a_frame_that_windows_share_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fbank = speaker_fbank(CPU)
    computed: list[int] = []
    power = fbank.power

    def counted(samples: torch.Tensor) -> torch.Tensor:
        found = power(samples)
        computed.append(len(found))
        return found

    monkeypatch.setattr(fbank, "power", counted)
    pcm = speech_models.excerpt(0, 4)
    spoken = [pcm[begin : begin + WINDOW_SAMPLES] for begin in (0, 8_000, 16_000, 40_000)]
    window_features(fbank, spoken)
    assert computed == [WINDOW_FRAMES + 50 + 50, WINDOW_FRAMES]


# --- revision ----------------------------------------------------------------------------------


def test_other_weights_are_another_revision(tmp_path: Path) -> None:
    one = tdnn_folder(tmp_path / "one")
    same = tdnn_folder(tmp_path / "same")
    other = tdnn_folder(tmp_path / "other", same_voice_cosine=0.6)
    revisions = [load_encoder(folder, CPU).revision for folder in (one, same, other)]
    assert revisions[0] == revisions[1] != revisions[2]
