"""`longscribe doctor` and the engine: a model loaded, or not, and a whole installation served."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.cli.doctor import speech as doctor_speech
from shared.cli.doctor.finding import Level
from shared.cli.embedded.redis_server import redis_server_binary
from shared.settings import Settings
from tests.support.stack import Stack, start, wait_for
from worker import demo_model


@pytest.mark.usefixtures("warm_inspection")
class TestEngine:
    def test_a_model_and_a_device_that_are_not_there_are_told_by_the_engine_itself(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DEVICE", "cuda:7")
        settings = Settings(model=str(tmp_path / "nowhere"))
        model, device = doctor_speech.check_speech(settings)
        assert model.level is device.level is Level.PROBLEM
        assert "There is no model folder" in model.what_to_do
        assert "asks for cuda:7" in device.what_to_do

    def test_a_model_that_is_there_and_cannot_be_loaded_is_told_by_loading_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DEVICE", "cpu")
        for source in (demo_model.ASR_DIR, demo_model.VAD_DIR, demo_model.PUNC_DIR):
            shutil.copytree(source, tmp_path / source.name)
        config = tmp_path / "vad" / "config.yaml"
        config.write_text(config.read_text().replace("fsmn_layers: 3", "fsmn_layers: 4"))
        model, device, recognition = doctor_speech.check_speech(Settings(model=str(tmp_path)))
        assert (model.level, device.level) == (Level.OK, Level.OK)
        assert recognition.level is Level.PROBLEM
        assert "model.pt does not fit config.yaml" in recognition.what_to_do
        assert "fsmn.3" in recognition.what_to_do

    @pytest.mark.parametrize("quick", [True, False])
    def test_a_model_for_speakers_that_cannot_be_used_leaves_the_rest_well(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quick: bool
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DEVICE", "cpu")
        spk = tmp_path / "spk"
        shutil.copytree(demo_model.SPK_DIR, spk)
        monkeypatch.setenv("LONGSCRIBE_SPEAKER_MODEL", str(spk))
        settings = Settings(model="demo")
        fine = doctor_speech.check_speech(settings, quick=quick)
        assert {found.level for found in fine} == {Level.OK}
        (spk / "model.pt").write_bytes((spk / "model.pt").read_bytes()[:-1000])
        *others, speakers = doctor_speech.check_speech(settings, quick=quick)
        assert {found.level for found in others} == {Level.OK}
        assert (speakers.thing, speakers.level) == ("speakers", Level.WARNING)
        assert str(spk) in speakers.what_to_do

    def test_a_model_that_the_hub_has_is_looked_for_on_this_disk_only(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
        model, device = doctor_speech.check_speech(Settings(model="paraformer-zh", device="cpu"))
        assert model.level is Level.WARNING
        assert "first start downloads it" in model.finding
        assert device.level is Level.OK


class TestEmbedded:
    def test_before_while_and_after_it_is_served(self, tmp_path: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "CI") if name in os.environ}
        env = {
            **kept,
            "LONGSCRIBE_DATA_DIR": str(tmp_path / "data"),
            "LONGSCRIBE_PORT": str(Stack(tmp_path / "port", "").port),
            "LONGSCRIBE_DEVICE": "cpu",
            "LONGSCRIBE_CPU_THREADS": "1",
            "LONGSCRIBE_MIN_FREE_BYTES": "0",
        }

        def examined(*options: str) -> tuple[int, dict[str, dict[str, str]]]:
            done = subprocess.run(
                [sys.executable, "-m", "shared.cli", "doctor", "--json", *options],
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            body = json.loads(done.stdout)
            assert body["exit_status"] == done.returncode
            return done.returncode, {found["thing"]: found for found in body["findings"]}

        redis = redis_server_binary()
        status, before = examined("--quick")
        assert status == 0, before
        assert before["redis"]["finding"].startswith(
            f"not running; longscribe serve starts {redis}, version "
        )
        assert "not made yet" in before["database"]["finding"]
        assert before["model"]["finding"].startswith("demo is in")
        assert "recognition" not in before
        assert not (tmp_path / "data").exists()

        command = [sys.executable, "-m", "shared.cli", "serve"]
        serve = start(command, env=env, log_path=tmp_path / "serve.log")
        try:
            wait_for(lambda: "Longscribe is ready" in serve.log, seconds=240, what=serve.log)
            status, during = examined()
            # Those that are not fine, for pytest cuts a long message.
            assert status == 0, [found for found in during.values() if found["level"] != "ok"]
            assert during["redis"]["finding"].startswith("answers, version")
            assert "with demo on cpu" in during["workers"]["finding"]
            assert during["workers"]["level"] == "ok"  # "ready" is said once it takes jobs
            assert "heard a second of sound, on cpu in float32" in during["recognition"]["finding"]
            assert {found["level"] for found in during.values()} <= {"ok", "warning"}
        finally:
            serve.stop()

        status, after = examined()
        assert status == 0, after
        assert after["redis"]["finding"] == before["redis"]["finding"]
        assert after["schema"]["level"] == "ok"
