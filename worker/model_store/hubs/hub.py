"""Interface of a hub, ModelScope's or Hugging Face's, and the texts of its errors."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.errors import ModelUnavailable, in_a_line
from worker.model_store.known import HubModel

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Progress = Callable[[int], None]
"""Called with the bytes that came since the last call; negative if some were thrown away."""


class DownloadFailed(ModelUnavailable):
    """A hub did not give a model; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """File of a model on a hub."""

    name: str
    size_bytes: int
    sha256: str | None = None


class Hub(Protocol):
    """A client of a hub, with the cache that it keeps on this machine."""

    @property
    def title(self) -> str:
        """Name for people: ModelScope, Hugging Face."""

    def cached(self, model: HubModel) -> Path | None:
        """The folder of a model in the cache, whole or not; asks nobody."""

    def cache_folder(self) -> Path:
        """Folder for downloads, which may not exist yet."""

    def files(self, model: HubModel) -> list[RemoteFile]:
        """List the files that the hub has of a model. Raises DownloadFailed."""

    def fetch(
        self, model: HubModel, file: RemoteFile, into: Path | None, progress: Progress
    ) -> Path:
        """Bring one file here, going on where an earlier try ended, and return its model's folder.

        `into` is a folder in place of the cache.  Raises DownloadFailed.
        """


def not_on_hub(title: str, model: HubModel) -> DownloadFailed:
    return DownloadFailed(
        f"{title} has no model {model.name} in revision {model.revision}, or keeps it from you. "
        "Check the name (longscribe models list) and the revision."
    )


def explain(title: str, model: HubModel, error: BaseException) -> DownloadFailed:
    """A client's exception in one line: full disk, no permission, or a hub that cannot be had."""
    cause = _operating_system_error(error)
    if cause is not None and cause.errno in _NO_ROOM:
        return DownloadFailed(
            f"The disk is full; the download of {model.name} stopped. Free some space and try "
            "again: what has come stays."
        )
    if cause is not None and cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DownloadFailed(
            f"The model {model.name} cannot be written to {cause.filename or 'its cache'} "
            f"({cause.strerror}). Give this account the permission, or move the cache with "
            "MODELSCOPE_CACHE or HF_HOME."
        )
    return DownloadFailed(
        f"The model {model.name} ({model.revision}) could not be downloaded from {title} "
        f"({in_a_line(error)}). Try again: what has come stays."
    )


def _operating_system_error(error: BaseException | None) -> OSError | None:
    """The first of an exception's causes that has a number of the operating system's."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno is not None:
            return error
        error = error.__cause__ or error.__context__
    return None
