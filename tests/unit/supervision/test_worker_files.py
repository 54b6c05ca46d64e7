"""The small files by which a worker's processes tell each other what they know."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.supervision.worker_files import model_takes_hotwords, remove_files, tell_model


@pytest.mark.parametrize("takes", [True, False])
def test_a_child_tells_what_its_model_takes(tmp_path: Path, takes: bool) -> None:
    assert model_takes_hotwords(tmp_path, 7) is None
    tell_model(tmp_path, 7, takes_hotwords=takes)
    assert model_takes_hotwords(tmp_path, 7) is takes
    assert model_takes_hotwords(tmp_path, 8) is None
    remove_files(tmp_path, 7)
    assert model_takes_hotwords(tmp_path, 7) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"takes_hotwords": 1}'])
def test_what_a_full_disk_left_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "7.model").write_text(text)
    assert model_takes_hotwords(tmp_path, 7) is None
