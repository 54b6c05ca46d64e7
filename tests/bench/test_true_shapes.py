"""Networks of the released sizes, with random weights, say what FunASR's `generate()` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import real_models, speech_models
from worker.engine.random_model import SIZES, make_random_model

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("size", SIZES)
def test_the_released_sizes_equal_funasr(size: str, tmp_path: Path) -> None:
    make_random_model(tmp_path / "models", speech_models.meeting(), SIZES[size])
    assert real_models.main(["--models", str(tmp_path / "models")]) == 0
