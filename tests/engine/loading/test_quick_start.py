"""What is left out while the model is loaded, and that only then."""

from __future__ import annotations

import gc
import inspect
import sys
from pathlib import Path

import pytest

from shared.errors import ModelUnavailable
from shared.settings import Settings
from worker.configured_recogniser import load_configured_recogniser
from worker.engine.loading.funasr_modules import register_classes


@pytest.fixture
def collects() -> None:
    assert gc.isenabled()


def test_garbage_is_collected_again_once_the_model_is_loaded(
    collects: None, tmp_path: Path
) -> None:
    load_configured_recogniser(
        Settings(model="demo", device="cpu", data_dir=tmp_path), calibrate=False
    )
    assert gc.isenabled()


def test_garbage_is_collected_again_where_no_model_is(collects: None, tmp_path: Path) -> None:
    settings = Settings(model=str(tmp_path / "nowhere"), device="cpu", data_dir=tmp_path)
    with pytest.raises(ModelUnavailable):
        load_configured_recogniser(settings, calibrate=False)
    assert gc.isenabled()


def test_funasr_registers_its_classes_without_reading_their_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(of: object) -> None:
        raise AssertionError(f"read the source of {of}")

    tables = register_classes([])
    from funasr import register
    from funasr.models.specaug import specaug

    monkeypatch.setitem(tables.specaug_classes, "SpecAug", specaug.SpecAug)  # and back
    monkeypatch.delitem(sys.modules, specaug.__name__)
    monkeypatch.setattr(register.inspect, "getsourcelines", read)
    again = register_classes([specaug.__name__])
    assert again.specaug_classes["SpecAug"] is not specaug.SpecAug
    assert register.inspect is inspect
