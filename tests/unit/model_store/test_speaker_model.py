"""Which network tells voices apart: named, brought along by the model, or the usual one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.errors import ModelUnavailable
from shared.settings import CAMPPLUS, Settings
from worker import demo_model
from worker.model_store.known import resolve
from worker.model_store.locate import ModelNotDownloaded, locate_configured_speakers
from worker.model_store.parts import configured_speaker_part


def settings(tmp_path: Path, model: str = "demo", speaker_model: str = "") -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        model=model,
        speaker_model=speaker_model,
        model_offline=True,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "my-model"
    for source in (demo_model.ASR_DIR, demo_model.SPK_DIR):
        shutil.copytree(source, folder / source.name)
    return folder


@pytest.mark.parametrize(("model", "named"), [("demo", ""), ("demo", "demo"), ("me/mine", "demo")])
def test_the_bundled_encoder_belongs_to_the_demo_model(
    tmp_path: Path, model: str, named: str
) -> None:
    folder = locate_configured_speakers(settings(tmp_path, model, named))
    assert (folder.name, folder.path) == ("demo", demo_model.SPK_DIR)


def test_a_model_may_bring_it_along(tmp_path: Path, bundle: Path) -> None:
    folder = locate_configured_speakers(settings(tmp_path, str(bundle)))
    assert (folder.name, folder.path) == ("my-model", bundle / "spk")
    bundled = locate_configured_speakers(settings(tmp_path))
    assert folder.revision == bundled.revision


def test_a_folder_that_is_named_wins(tmp_path: Path, bundle: Path) -> None:
    named = tmp_path / "another"
    shutil.copytree(bundle / "spk", named)
    folder = locate_configured_speakers(settings(tmp_path, str(bundle), str(named)))
    assert folder.path == named


def test_it_is_campplus_elsewhere(tmp_path: Path, bundle: Path) -> None:
    shutil.rmtree(bundle / "spk")
    for model in ("paraformer-zh", str(bundle)):
        assert configured_speaker_part(settings(tmp_path, model)).name == CAMPPLUS


@pytest.mark.parametrize("name", ["cam++", CAMPPLUS, "funasr/campplus"])
def test_campplus_by_its_names_on_both_hubs(tmp_path: Path, name: str) -> None:
    part = configured_speaker_part(settings(tmp_path, speaker_model=name))
    found = resolve(part.name, part.role, "modelscope", part.revision)
    assert (found.name, found.revision) == (CAMPPLUS, "v2.0.2")
    found = resolve(part.name, part.role, "huggingface", part.revision)
    assert (found.name, found.revision) == ("funasr/campplus", "main")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fsmn-vad", "LONGSCRIBE_SPEAKER_MODEL names fsmn-vad, which does another work"),
        ("/nowhere", "no model folder /nowhere. Check LONGSCRIBE_SPEAKER_MODEL"),
        ("cam+", "no model goes by that name"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ModelUnavailable) as told:
        locate_configured_speakers(settings(tmp_path, speaker_model=name))
    assert said in told.value.message


def test_one_that_is_not_here_is_told_how_to_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(ModelNotDownloaded, match=r"carry DIR/spk over and set LONGSCRIBE_SPEAKER"):
        locate_configured_speakers(settings(tmp_path, speaker_model="cam++"))
