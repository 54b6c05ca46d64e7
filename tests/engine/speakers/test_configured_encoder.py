"""The speaker encoder that the settings name, and what others pay for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.errors import ModelUnavailable
from shared.settings import Settings
from tests.support.speech.speaker_folders import campplus_folder
from worker.configured_recogniser import load_configured_encoder
from worker.speaker_encoder import VECTOR_SIZE, WINDOW_SAMPLES


def test_the_demo_model_has_one_and_a_folder_another(tmp_path: Path) -> None:
    window = np.random.default_rng(1).integers(-1000, 1000, WINDOW_SAMPLES, dtype=np.int16)
    narrow = {"growth_rate": 8, "init_channels": 32}
    own = str(campplus_folder(tmp_path / "campplus", **narrow).path)
    settings = Settings(data_dir=tmp_path, model="demo", device="cpu")
    bundled = load_configured_encoder(settings)
    other = load_configured_encoder(settings.model_copy(update={"speaker_model": own}))
    for encoder in (bundled, other):
        assert encoder.embed([window]).shape == (1, VECTOR_SIZE)
    assert bundled.revision != other.revision
    assert other.same_voice_cosine == 0.4


def test_a_folder_of_another_kind_is_refused_in_a_line(tmp_path: Path) -> None:
    from worker import demo_model

    settings = Settings(data_dir=tmp_path, device="cpu", speaker_model=str(demo_model.VAD_DIR))
    with pytest.raises(ModelUnavailable, match="runs CAMPPlus and SpeakerTdnn there"):
        load_configured_encoder(settings)


def test_a_worker_that_nobody_asks_loads_none() -> None:
    program = (
        "import sys, worker.tasks, worker.engine.funasr_recogniser\n"
        "print([name for name in sys.modules if 'campplus' in name or 'engine.speakers' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
