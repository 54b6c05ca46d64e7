"""Loading a speaker encoder: of a kind that can be run, or a clear refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from shared.errors import ModelUnavailable
from tests.support.speech.speaker_folders import campplus_folder, tdnn_folder
from worker.engine.speakers.encoder import load_encoder
from worker.model_store.locate import ModelFolder
from worker.model_store.revision import examine
from worker.speaker_encoder import distance

CPU = torch.device("cpu")


def refusal(folder: ModelFolder) -> str:
    with pytest.raises(ModelUnavailable) as raised:
        load_encoder(folder, CPU)
    message = raised.value.message
    assert str(folder.path) in message
    assert "\n" not in message
    return message


def change_checkpoint(checkpoint: Path, name: str, value: torch.Tensor | None) -> None:
    state = torch.load(checkpoint, weights_only=True)
    state.pop(name)
    if value is not None:
        state[name] = value
    torch.save(state, checkpoint)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("middle.1.0.weight", None, "middle.1.0.weight (16, 16, 3) is missing"),
        ("project.weight", torch.zeros(3, 64), "is (3, 64) in the file"),
        ("centre.running_mean", torch.full((192,), torch.nan), "not finite"),
    ],
)
def test_a_checkpoint_that_does_not_fit(
    tmp_path: Path, name: str, value: torch.Tensor | None, said: str
) -> None:
    folder = tdnn_folder(tmp_path / "tdnn")
    change_checkpoint(folder.path / "model.pt", name, value)
    assert said in refusal(folder)


def test_a_checkpoint_of_campplus_that_does_not_fit(tmp_path: Path) -> None:
    folder = campplus_folder(tmp_path / "campplus")
    change_checkpoint(folder.path / "campplus_cn_common.bin", "head.conv2.weight", None)
    said = refusal(folder)
    assert "head.conv2.weight (32, 32, 3, 3) is missing" in said
    assert "campplus_cn_common.bin" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "ERes2Net"}, "ERes2Net; Longscribe runs CAMPPlus and SpeakerTdnn there"),
        ({"model_conf": {"channels": "many"}}, "fails to build"),
        ({"model_conf": {"kernels": 3}}, "fails to build"),
        ({"same_voice_cosine": "half"}, "same_voice_cosine between -1 and 1"),
        ({"same_voice_cosine": None}, "same_voice_cosine between -1 and 1"),
        ({"same_voice_cosine": 1.5}, "same_voice_cosine between -1 and 1"),
    ],
)
def test_a_folder_that_cannot_be_run(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in refusal(tdnn_folder(tmp_path / "tdnn", **changes))


def test_vectors_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = campplus_folder(tmp_path / "campplus", embedding_size=512)
    assert "embedding_size: 512" in refusal(folder)


@pytest.mark.parametrize("missing", ["config.yaml", "campplus_cn_common.bin"])
def test_a_folder_of_campplus_is_whole_without_am_mvn(tmp_path: Path, missing: str) -> None:
    folder = campplus_folder(tmp_path / "campplus").path
    assert not examine(folder).problems
    (folder / missing).unlink()
    assert [problem.name for problem in examine(folder).problems] == [missing]


def test_a_checkpoint_named_bin_is_read_to_its_end(tmp_path: Path) -> None:
    folder = campplus_folder(tmp_path / "campplus").path
    checkpoint = folder / "campplus_cn_common.bin"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    assert "is cut short" in examine(folder).problems[0].reason


def test_a_cosine_is_a_distance_of_the_voice_map() -> None:
    assert [distance(cosine) for cosine in (1.0, 0.6, 0.0, -1.0)] == [0, 51, 128, 255]
