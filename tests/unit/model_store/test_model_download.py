"""A download says how far it is, and does not begin on a disk that it would fill."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from worker import demo_model
from worker.model_store import download as downloads
from worker.model_store.download import LogMeter, download
from worker.model_store.hubs.hub import DownloadFailed, Progress, RemoteFile
from worker.model_store.known import HubModel

MODEL = HubModel("me/vad", "v1")


class FolderHub:
    """A hub whose models lie on this disk; implements `worker.model_store.hubs.hub.Hub`."""

    title = "Folder"

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.fetched: list[str] = []

    def cache_folder(self) -> Path:
        return self._cache

    def cached(self, model: HubModel) -> Path | None:
        return None

    def files(self, model: HubModel) -> list[RemoteFile]:
        folder = demo_model.VAD_DIR
        return [RemoteFile(file.name, file.stat().st_size) for file in folder.iterdir()]

    def fetch(
        self, model: HubModel, file: RemoteFile, into: Path | None, progress: Progress
    ) -> Path:
        folder = into or self._cache / "me" / "vad"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(demo_model.VAD_DIR / file.name, folder / file.name)
        self.fetched.append(file.name)
        progress(file.size_bytes // 2)
        return folder


def test_the_log_says_how_far_a_download_is_up_to_all_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_LOG_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, logger="worker"):
        download(FolderHub(tmp_path), MODEL, LogMeter())
    size = downloads.megabytes(sum(f.size_bytes for f in FolderHub(tmp_path).files(MODEL)))
    assert caplog.messages[0] == f"downloading me/vad, {size}"
    assert caplog.messages[-1] == f"downloading me/vad: {size} of {size}"


def test_a_disk_without_room_is_told_before_the_weights_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = FolderHub(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50_100_000))
    with pytest.raises(DownloadFailed, match=r"too full for me/vad: 0\.2 MB are to come, 50 MB"):
        download(hub, MODEL, LogMeter())
    assert hub.fetched == ["config.yaml"]
