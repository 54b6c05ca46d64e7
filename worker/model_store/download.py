"""A model from a hub to this disk: what is needed of it, resumed, and with bytes counted."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Protocol

from shared.errors import ModelUnavailable
from worker.model_store.config_yaml import CONFIG
from worker.model_store.files import (
    CHECKPOINT,
    CONFIGURATION,
    FIRERED_NORMALISATION,
    FIRERED_TOKENS,
    firered_class,
    needed_files,
)
from worker.model_store.hubs.hub import DownloadFailed, Hub, RemoteFile
from worker.model_store.known import HubModel
from worker.model_store.revision import DECIDING

log = logging.getLogger(__name__)

_SPARE_BYTES = 50_000_000
"""Left free beside the download, for a disk filled to the last byte stops more than this."""

_LOG_EVERY_S = 15.0


class Meter(Protocol):
    """Observer of a download's progress."""

    def begin(self, name: str, total_bytes: int) -> None: ...

    def advance(self, more_bytes: int) -> None:
        """Bytes that came, or that an earlier try had left; negative if some were thrown away."""


class LogMeter:
    """Says in the log every 15 s how far a download is, so that a first start is seen to move."""

    def __init__(self) -> None:
        self._name = ""
        self._total = 0
        self._done = 0
        self._said_at = 0.0

    def begin(self, name: str, total_bytes: int) -> None:
        self._name, self._total, self._done = name, total_bytes, 0
        self._said_at = time.monotonic()
        log.info("downloading %s, %s", name, megabytes(total_bytes))

    def advance(self, more_bytes: int) -> None:
        self._done += more_bytes
        if time.monotonic() - self._said_at >= _LOG_EVERY_S:
            self._said_at = time.monotonic()
            log.info(
                "downloading %s: %s of %s",
                self._name,
                megabytes(self._done),
                megabytes(self._total),
            )


def download(hub: Hub, model: HubModel, meter: Meter, into: Path | None = None) -> Path:
    """Fetch the files that a model needs and return its folder, in the hub's cache or `into`.

    1. Ask the hub for its list of files.
    2. Fetch the config, which names the rest.
    3. See that the disk has room.
    4. Fetch the rest; the clients go on where an earlier try ended.

    Raises DownloadFailed, or ModelUnavailable where the hub's config cannot be read.
    """
    listed = {file.name: file for file in hub.files(model)}
    telling = (CONFIG, CONFIGURATION)
    if firered_class(listed):
        # All that they tell is where the rest goes.
        telling = (FIRERED_TOKENS, FIRERED_NORMALISATION)
    elif CONFIG not in listed:
        raise DownloadFailed(
            f"{hub.title} has no {CONFIG} in {model.name}, so it is no model of FunASR's. "
            "Check the name (longscribe models list)."
        )
    configs = [listed[name] for name in telling if name in listed]
    folder = Path()
    for file in configs:
        folder = hub.fetch(model, file, into, lambda _: None)
    wanted = _wanted(hub, model, folder, listed)
    total = sum(file.size_bytes for file in wanted)
    _require_space(folder, model, wanted)
    meter.begin(model.name, total)
    for file in wanted:
        _fetch(hub, model, file, into, meter)
    return folder


def _wanted(
    hub: Hub, model: HubModel, folder: Path, listed: dict[str, RemoteFile]
) -> list[RemoteFile]:
    needed = needed_files(folder, on_hub=listed)
    missing = [name for name in needed if name not in listed]
    if missing:
        raise DownloadFailed(
            f"{hub.title} has no {missing[0]} in {model.name} ({model.revision}), which its config "
            "needs. Take another revision or another model (longscribe models list)."
        )
    names = set(needed) | (DECIDING - {CHECKPOINT})
    return [listed[name] for name in sorted(names & listed.keys())]


def _fetch(hub: Hub, model: HubModel, file: RemoteFile, into: Path | None, meter: Meter) -> None:
    told = 0

    def progress(more_bytes: int) -> None:
        nonlocal told
        told += more_bytes
        meter.advance(more_bytes)

    hub.fetch(model, file, into, progress)
    # A file that lies in the cache already is not told of by the clients.
    meter.advance(file.size_bytes - told)


def _require_space(folder: Path, model: HubModel, wanted: list[RemoteFile]) -> None:
    here = sum(_bytes_here(folder, file) for file in wanted)
    # Hugging Face's cache keeps what has come so far beside the snapshots.
    here += sum(file.stat().st_size for file in (folder.parents[1] / "blobs").glob("*.incomplete"))
    missing = sum(file.size_bytes for file in wanted) - here
    free = shutil.disk_usage(folder).free
    if missing > 0 and missing + _SPARE_BYTES > free:
        raise DownloadFailed(
            f"The disk of {folder} is too full for {model.name}: {megabytes(missing)} are to come, "
            f"{megabytes(free)} are free. Free some space, or move the cache with MODELSCOPE_CACHE "
            "or HF_HOME."
        )


def _bytes_here(folder: Path, file: RemoteFile) -> int:
    path = folder / file.name
    for candidate in (path, path.with_name(path.name + ".incomplete")):
        if candidate.is_file():
            return min(candidate.stat().st_size, file.size_bytes)
    return 0


def megabytes(size: int) -> str:
    """A size for people: 1.7 MB, 291 MB, 1.10 GB."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 10_000_000 else f"{size / 1e6:.1f} MB"


def drop_broken(folder: Path, name: str) -> None:
    """Remove a broken file of a hub's cache, so that it is fetched anew.

    Raises ModelUnavailable if that cannot be done.
    """
    path = folder / name
    try:
        if path.is_symlink():
            # Hugging Face's cache: the file itself is a blob that would be taken for whole.
            path.resolve().unlink(missing_ok=True)
            path.unlink()
        elif path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The broken {path} cannot be removed ({error.strerror or error}). Remove it by hand, "
            "then start again."
        ) from error
