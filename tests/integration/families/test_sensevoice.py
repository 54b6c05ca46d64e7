"""A SenseVoice's folder from `longscribe models` and `longscribe doctor` to a job's transcript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.cli.doctor import speech as doctor_speech
from shared.cli.doctor.finding import Level
from shared.settings import CAMPPLUS, FSMN_VAD, Settings
from tests.support.doubles.model_hubs import FakeHub, run_models, serving
from tests.support.speech import sensevoice_models, speech_models
from tests.support.stack import Stack
from tests.support.stack_without_http import as_wav, transcribed
from worker import demo_model
from worker.model_store.files import BPE_MODEL


@pytest.fixture(scope="module")
def model_folder() -> str:
    """What LONGSCRIBE_MODEL names: made when a test asks, not by each process that imports this."""
    return str(sensevoice_models.bundle())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_makes_a_transcript_with_its_own_marks_and_no_tags(
    stack: Stack, model_folder: str
) -> None:
    transcript = transcribed(stack, model_folder, as_wav(speech_models.excerpt(0, 60)))
    assert "punctuation_failed" not in transcript.warnings
    assert "<|" not in transcript.text and "▁" not in transcript.text
    words = [word for sentence in transcript.sentences for word in sentence.words]
    assert len(words) > 50
    assert all(word.confidence is not None for word in words)
    marked = [sentence for sentence in transcript.sentences if sentence.text[-1] in "。.,，"]
    assert marked
    assert all(sentence.words[-1].word[-1] not in "。." for sentence in marked)


@pytest.mark.usefixtures("warm_inspection")
def test_doctor_loads_it_and_lets_it_hear_a_second_of_sound(
    monkeypatch: pytest.MonkeyPatch, model_folder: str
) -> None:
    monkeypatch.setenv("LONGSCRIBE_DEVICE", "cpu")
    found = doctor_speech.check_speech(Settings(model=model_folder))
    assert {finding.thing for finding in found} >= {"model", "device", "recognition"}
    assert {finding.level for finding in found} == {Level.OK}


@pytest.mark.parametrize("hub_name", ["modelscope", "huggingface"])
def test_it_is_fetched_by_its_name_from_either_hub_and_no_punctuation_with_it(
    hub_name: str, tmp_path: Path
) -> None:
    """The hub has no punctuation to give, so that asking for it would fail."""
    asr, vad = (sensevoice_models.bundle() / part for part in ("asr", "vad"))
    models = {
        "iic/SenseVoiceSmall": asr,
        "FunAudioLLM/SenseVoiceSmall": asr,
        FSMN_VAD: vad,
        "funasr/fsmn-vad": vad,
        CAMPPLUS: demo_model.SPK_DIR,
        "funasr/campplus": demo_model.SPK_DIR,
    }
    with serving(FakeHub(models)) as hub:
        environment = {
            **getattr(hub, f"{hub_name}_environment"),
            "LONGSCRIBE_MODEL": "SenseVoiceSmall",
        }
        done = run_models(tmp_path, environment, "download", "--to", str(tmp_path / "carry"))
        assert done.returncode == 0, done.stderr
        assert "still lacks" not in done.stdout
        done = run_models(tmp_path, environment, "check", "--json")
        assert done.returncode == 0, done.stderr
    told = {part["role"]: part for part in json.loads(done.stdout)}
    assert set(told) == {"asr", "vad", "spk"}
    assert told["asr"]["is_whole"]
    carried = {path.name for path in (tmp_path / "carry" / "asr").iterdir()}
    assert BPE_MODEL in carried and "model.pt" in carried
    assert {path.name for path in (tmp_path / "carry").iterdir()} == {"asr", "vad", "spk"}


def test_models_check_wants_no_punctuation_beside_it(tmp_path: Path, model_folder: str) -> None:
    done = run_models(tmp_path, {"LONGSCRIBE_MODEL": model_folder}, "check", "--json")
    assert done.returncode == 0, done.stderr
    roles = {part["role"]: part["is_whole"] for part in json.loads(done.stdout)}
    assert roles["asr"] and roles["vad"]
    assert "punc" not in roles
