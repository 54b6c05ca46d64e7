"""A worker without a model says so once, however many children it starts before it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from shared.errors import ModelUnavailable
from shared.settings import Settings
from worker import child_process
from worker.child_process import NO_MODEL_STATUS


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What children log of a model that is not there; each ends instead of this process."""
    lines: list[str] = []

    def unavailable(_: Settings) -> NoReturn:
        raise ModelUnavailable("There is no model folder.")

    monkeypatch.setattr(child_process, "_load_tools", unavailable)
    monkeypatch.setattr(child_process, "_exit_with_the_worker", sys.exit)
    monkeypatch.setattr(
        child_process.log, "critical", lambda event, **about: lines.append(about["message"])
    )
    return lines


def test_a_child_that_is_started_after_another_had_no_model_says_nothing(
    said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append((pid, number)))
    settings = Settings(health_dir=str(tmp_path))
    for _ in range(3):
        with pytest.raises(SystemExit) as ended:
            child_process._load_tools_or_end(settings)
        assert ended.value.code == NO_MODEL_STATUS
    assert said == ["There is no model folder."]
    assert {pid for pid, _ in told} == {os.getppid()} and len(told) == 2
