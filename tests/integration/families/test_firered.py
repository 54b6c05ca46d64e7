"""A FireRedASR2-AED from a hub's name to a job's transcript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.cli.doctor import speech as doctor_speech
from shared.cli.doctor.finding import Level
from shared.settings import CT_PUNC, FSMN_VAD, Settings
from tests.support.doubles.model_hubs import FakeHub, run_models, serving
from tests.support.speech import firered_models, speech_models
from tests.support.stack import Stack
from tests.support.stack_without_http import as_wav, transcribed


@pytest.fixture(scope="module")
def model_folder() -> str:
    """What LONGSCRIBE_MODEL names: made when a test asks, not by each process that imports this."""
    return str(firered_models.bundle())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_makes_a_transcript_with_times_and_confidences(
    stack: Stack, model_folder: str
) -> None:
    transcript = transcribed(stack, model_folder, as_wav(speech_models.excerpt(0, 60)))
    assert "punctuation_failed" not in transcript.warnings
    words = [word for sentence in transcript.sentences for word in sentence.words]
    assert len(words) > 20
    assert all(word.confidence is not None for word in words)
    assert transcript.language == "zh"
    assert not set(transcript.text) & set("<>▁")


@pytest.mark.usefixtures("warm_inspection")
def test_doctor_loads_it_and_lets_it_hear_a_second_of_sound(
    monkeypatch: pytest.MonkeyPatch, model_folder: str
) -> None:
    monkeypatch.setenv("LONGSCRIBE_DEVICE", "cpu")
    found = doctor_speech.check_speech(Settings(model=model_folder))
    assert {finding.level for finding in found} == {Level.OK}


@pytest.mark.parametrize("hub_name", ["modelscope", "huggingface"])
def test_it_is_fetched_by_its_name_from_either_hub(hub_name: str, tmp_path: Path) -> None:
    asr, vad, punc = (firered_models.bundle() / part for part in ("asr", "vad", "punc"))
    models = {
        "xukaituo/FireRedASR2-AED": asr,
        "FireRedTeam/FireRedASR2-AED": asr,
        FSMN_VAD: vad,
        "funasr/fsmn-vad": vad,
        CT_PUNC: punc,
        "funasr/ct-punc": punc,
    }
    with serving(FakeHub(models)) as hub:
        environment = {
            **getattr(hub, f"{hub_name}_environment"),
            "LONGSCRIBE_MODEL": "FireRedASR2-AED",
        }
        done = run_models(tmp_path, environment, "download", "FireRedASR2-AED")
        assert done.returncode == 0, done.stderr
        done = run_models(tmp_path, environment, "check", "--json")
    told = {part["role"]: part for part in json.loads(done.stdout)}
    assert told["asr"]["is_whole"], told["asr"]
