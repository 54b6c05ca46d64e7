"""Names of models on both hubs, and those that are refused before anything is downloaded."""

from __future__ import annotations

import pwd
import shutil
from pathlib import Path

import pytest

import worker.demo_model
from shared.errors import ModelUnavailable
from shared.settings import CT_PUNC, FSMN_VAD, PARAFORMER_LARGE, Settings
from worker.model_store.hubs import open_hub
from worker.model_store.known import KNOWN_MODELS, HubName, resolve
from worker.model_store.locate import ModelNotDownloaded, locate
from worker.model_store.parts import model_parts, served_model

SEACO = "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"


@pytest.mark.parametrize("name", ["paraformer-zh", SEACO, "funasr/paraformer-zh"])
def test_paraformer_zh_is_what_funasr_means_by_it_on_both_hubs(name: str) -> None:
    found = resolve(name, "asr", "modelscope")
    assert (found.name, found.revision) == (SEACO, "v2.0.4")
    found = resolve(name, "asr", "huggingface")
    assert (found.name, found.revision) == ("funasr/paraformer-zh", "main")


@pytest.mark.parametrize(
    "name", ["SenseVoiceSmall", "sensevoice", "iic/SenseVoiceSmall", "FunAudioLLM/SenseVoiceSmall"]
)
def test_sensevoice_has_its_names_on_both_hubs_and_no_tag(name: str) -> None:
    asr, _, punc = model_parts(name)
    assert punc is None
    found = resolve(name, "asr", "modelscope", asr.revision)
    assert (found.name, found.revision) == ("iic/SenseVoiceSmall", "master")
    found = resolve(name, "asr", "huggingface", asr.revision)
    assert (found.name, found.revision) == ("FunAudioLLM/SenseVoiceSmall", "main")
    assert model_parts(name, model_revision="abc")[0].revision == "abc"


def test_aliases_are_funasrs_own() -> None:
    from funasr.download.name_maps_from_hub import name_maps_ms

    for known in KNOWN_MODELS:
        if known.alias in name_maps_ms:
            assert name_maps_ms[known.alias] == known.modelscope


def test_the_default_keeps_its_name_and_its_pinned_revision() -> None:
    found = resolve(PARAFORMER_LARGE, "asr", "modelscope")
    assert (found.name, found.revision) == (PARAFORMER_LARGE, "v2.0.4")


@pytest.mark.parametrize("hub", ["modelscope", "huggingface"])
def test_an_account_without_a_home_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub: HubName
) -> None:
    """As that of a container which runs under a number that nobody there has."""

    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(ModelUnavailable, match="whole"):
        model_parts("~/models/paraformer")
    with pytest.raises(ModelUnavailable, match="Set HOME"):
        open_hub(hub)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_hub(hub)


def test_a_revision_that_is_set_goes_to_either_hub() -> None:
    assert resolve("fsmn-vad", "vad", "modelscope", "v2.0.5").revision == "v2.0.5"
    assert resolve("fsmn-vad", "vad", "huggingface", "abc").revision == "abc"


@pytest.mark.parametrize(("name", "role"), [(PARAFORMER_LARGE, "asr"), ("ct-punc-c", "punc")])
def test_a_model_that_hugging_face_lacks_says_what_to_take(name: str, role: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"not on Hugging Face.*LONGSCRIBE_MODEL_HUB"):
        resolve(name, role, "huggingface")  # type: ignore[arg-type]


def test_a_model_of_ones_own_passes_as_it_is() -> None:
    assert resolve("me/my-paraformer", "asr", "modelscope").name == "me/my-paraformer"


@pytest.mark.parametrize(
    "name",
    [
        "paraformer",
        "paraformer-en",
        "paraformer-zh-streaming",
        "iic/speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch",
        "iic/speech_paraformer-large-contextual_asr_nat-zh-cn-16k-common-vocab8404",
        "iic/Whisper-large-v3-turbo",
        "Whisper-large-v3",
        "FunAudioLLM/Fun-ASR-Nano-2512",
    ],
)
def test_a_model_that_cannot_be_run_names_what_to_take(name: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"cannot run .*Take paraformer-zh") as told:
        locate(name, offline=True)
    assert not isinstance(told.value, ModelNotDownloaded)


def test_a_model_for_other_work_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="LONGSCRIBE_MODEL names ct-punc"):
        resolve("ct-punc", "asr", "modelscope")
    with pytest.raises(ModelUnavailable, match="LONGSCRIBE_PUNC_MODEL names"):
        resolve(FSMN_VAD, "punc", "modelscope")


def test_a_name_that_nobody_knows_lists_those_that_are() -> None:
    with pytest.raises(
        ModelUnavailable,
        match="paraformer-zh, SenseVoiceSmall, FireRedASR2-AED, fsmn-vad, ct-punc, ct-punc-c",
    ):
        locate("parafromer-zh")


def test_the_sizes_are_about_two_gigabytes_and_one_point_two() -> None:
    size = {known.modelscope: known.size_bytes for known in KNOWN_MODELS}
    small = {known.alias: known.size_bytes for known in KNOWN_MODELS}["ct-punc-c"]
    first = size[PARAFORMER_LARGE] + size[FSMN_VAD]
    assert round((first + size[CT_PUNC]) / 1e9, 1) == 2.0
    assert round((first + small) / 1e9, 1) == 1.2


@pytest.mark.parametrize("hub", ["modelscope", "huggingface"])
def test_jobs_name_a_hubs_model_as_transcripts_do(hub: HubName) -> None:
    settings = Settings(model="paraformer-zh", model_hub=hub)
    assert served_model(settings) == resolve("paraformer-zh", "asr", hub).name
    assert served_model(Settings(model="me/my-paraformer")) == "me/my-paraformer"
    with pytest.raises(ModelUnavailable):
        served_model(Settings(model="whisper-large"))


def test_jobs_name_a_folder_by_its_last_name_as_transcripts_do(tmp_path: Path) -> None:
    assert served_model(Settings(model="demo")) == "demo" == locate("demo").asr.name
    folder = tmp_path / "我们的"
    for part in (worker.demo_model.ASR_DIR, worker.demo_model.VAD_DIR, worker.demo_model.PUNC_DIR):
        shutil.copytree(part, folder / part.name)
    for model in (f"{folder}", f"{folder}/", f"{folder}/../{folder.name}"):
        assert served_model(Settings(model=model)) == "我们的" == locate(model).asr.name
