"""A model folder to carry to a machine without a network."""

from __future__ import annotations

import shutil
from pathlib import Path

from worker.model_store.files import folder_class
from worker.model_store.hubs.hub import DownloadFailed
from worker.model_store.known import Role
from worker.model_store.revision import examine, names_that_decide

_ROLES: dict[str, Role] = {
    "FsmnVADStreaming": "vad",
    "CTTransformer": "punc",
    "CAMPPlus": "spk",
    "SpeakerTdnn": "spk",
}
"""Roles by the network's class; all others are taken for recognisers."""


def role_of(folder: Path) -> Role:
    """Role of a complete model folder, by the class of its network."""
    return _ROLES.get(folder_class(folder), "asr")


def carried(folder: Path, to: Path) -> Path:
    """Copy what a whole model folder needs, and nothing else, to `to`; what lies there as it is
    here is left.

    Raises DownloadFailed if that cannot be done.
    """
    names = names_that_decide(folder)
    try:
        to.mkdir(parents=True, exist_ok=True)
        for name in names:
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_file() or target.stat().st_size != (folder / name).stat().st_size:
                partial = target.with_name(target.name + ".partial")
                shutil.copyfile(folder / name, partial)
                partial.replace(target)
    except OSError as error:
        raise DownloadFailed(
            f"The model cannot be copied to {to} ({error.strerror or error}). Free some space or "
            "choose another folder, and try again."
        ) from error
    if examine(to).revision != examine(folder).revision:
        raise DownloadFailed(
            f"What lies in {to} is not what lies in {folder}. Empty {to} and try again."
        )
    return to
