"""`make test-real-models`, on folders of the hub's shape with random weights in small widths.

The true widths are tried by tests/bench/engine/test_true_shapes.py.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
import yaml

from tests import real_models
from tests.integration.test_bench import TINY
from tests.support.speech import sensevoice_models, speech_models
from worker import demo_model
from worker.engine.reference.random_model import BICIF, SEACO, SENSEVOICE, make_random_model
from worker.recogniser import SAMPLE_RATE

SIZES = {SENSEVOICE: sensevoice_models.SMALL}
"""Sizes where TINY's width is too small for its tags to stand in their places."""


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Two recordings, one of them of another rate and container."""
    folder = tmp_path / "speech"
    folder.mkdir()
    soundfile.write(folder / "a.wav", speech_models.excerpt(0, 40), SAMPLE_RATE)
    soundfile.write(folder / "b.flac", speech_models.excerpt(40, 60), SAMPLE_RATE)
    return folder


@pytest.mark.parametrize("asr_class", [BICIF, SEACO, SENSEVOICE])
def test_folders_with_every_training_key_say_what_funasr_says(
    asr_class: str, tmp_path: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    sizes = SIZES.get(asr_class) or replace(TINY, asr_class=asr_class)
    make_random_model(models, speech_models.excerpt(0, 60), sizes)
    config = yaml.safe_load((models / "asr" / "config.yaml").read_text(encoding="utf-8"))
    assert config["model"] == asr_class
    assert config["specaug"] == "SpecAugLFR" and "optim" in config
    assert real_models.main(["--models", str(models), "--speech", str(speech)]) == 0
    told = capsys.readouterr().out
    assert "2 of 2 recordings equal in all of it." in told
    assert asr_class in told


def test_a_voice_activity_network_alone_is_tried_with_the_bundled_ones(
    tmp_path: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(demo_model.VAD_DIR, tmp_path / "models" / "my-vad")
    (tmp_path / "models" / "whisper").mkdir()
    (tmp_path / "models" / "whisper" / "config.yaml").write_text("model: WhisperWarp\n")
    arguments = ["--models", str(tmp_path / "models"), "--speech", str(speech)]
    assert real_models.main(arguments) == 0
    told = capsys.readouterr().out
    assert "is of the class WhisperWarp" in told
    assert "my-vad" in told


def test_what_differs_and_what_cannot_be_tried_have_a_status(
    tmp_path: Path,
    speech: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = tmp_path / "models"
    for source in (demo_model.ASR_DIR, demo_model.VAD_DIR):
        shutil.copytree(source, models / source.name)
    arguments = ["--models", str(models), "--speech", str(speech / "b.flac")]
    heard = real_models.ours

    def another(recogniser: object, pcm: object) -> real_models.Heard:
        found = heard(recogniser, pcm)  # type: ignore[arg-type]
        return replace(found, text=found.text[1:])

    monkeypatch.setattr(real_models, "ours", another)
    assert real_models.main(arguments) == 1
    assert "1 of " in capsys.readouterr().out
    torch.save({}, models / "asr" / "model.pt")
    assert real_models.main(arguments) == 2
    assert "does not fit config.yaml" in capsys.readouterr().out
    assert real_models.main(["--models", str(speech)]) == 2
