"""The three models that the settings name, each looked at where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import worker.demo_model
from shared.errors import ModelUnavailable
from shared.settings import CT_PUNC, DEMO, FSMN_VAD, Settings
from worker.model_store.download import megabytes
from worker.model_store.hubs import open_hub
from worker.model_store.known import Role, resolve
from worker.model_store.locate import bundle_of, is_folder, remembered_in
from worker.model_store.revision import Examined, examine


@dataclass(frozen=True, slots=True)
class Part:
    """One of the three networks, as it is named: by a hub's name or by a folder."""

    role: Role
    name: str
    revision: str
    folder: Path | None = None
    """None for what a hub has."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is of a part on this machine."""

    part: Part
    path: Path | None
    """None if it is not here."""
    examined: Examined | None
    complaint: str = ""
    """Why it cannot even be looked for."""

    @property
    def is_whole(self) -> bool:
        return self.examined is not None and not self.examined.problems

    def as_lines(self) -> list[str]:
        """For people: the part with its place, and what is wrong with it."""
        head = f"{self.part.role:<5}{self.part.name}"
        if self.complaint:
            return [head, f"     problem: {self.complaint}"]
        if self.path is None or self.examined is None:
            return [head, "     not on this machine; get it with: longscribe models download"]
        lines = [head, f"     in {self.path}, {megabytes(self.examined.size_bytes)}"]
        if self.is_whole:
            return [*lines, f"     whole, revision {self.examined.revision}"]
        return [*lines, *(f"     problem: {each.reason}" for each in self.examined.problems)]

    def as_json(self) -> dict[str, Any]:
        """{"role", "name", "path", "size_bytes", "revision", "is_whole", "problems"}"""
        problems = [self.complaint] if self.complaint else []
        if self.examined is not None:
            problems += [each.reason for each in self.examined.problems]
        return {
            "role": self.part.role,
            "name": self.part.name,
            "path": None if self.path is None else str(self.path),
            "size_bytes": self.examined.size_bytes if self.examined else None,
            "revision": self.examined.revision if self.examined and self.is_whole else None,
            "is_whole": self.is_whole,
            "problems": problems,
        }


def configured_parts(settings: Settings) -> list[Part]:
    """Recogniser, voice activity and punctuation of the settings, in this order.

    Raises ModelUnavailable for a folder that this account may not look into.
    """
    if settings.uses_demo_model:
        folders = (
            worker.demo_model.ASR_DIR,
            worker.demo_model.VAD_DIR,
            worker.demo_model.PUNC_DIR,
        )
        roles: tuple[Role, Role, Role] = ("asr", "vad", "punc")
        return [Part(role, DEMO, "", folder) for role, folder in zip(roles, folders, strict=True)]
    asr, vad, punc = settings.model, FSMN_VAD, CT_PUNC
    bundle = bundle_of(settings.model)
    if bundle is not None:
        asr, vad, punc = (str(bundle / part) for part in ("asr", "vad", "punc"))
    return [
        _part("asr", asr, settings.model_revision),
        _part("vad", settings.vad_model or vad, settings.vad_model_revision),
        _part("punc", settings.punc_model or punc, settings.punc_model_revision),
    ]


def _part(role: Role, name: str, revision: str) -> Part:
    path = Path(name).expanduser()
    names_folder = is_folder(path) or path.is_absolute() or name.startswith((".", "~"))
    return Part(role, name, revision, path if names_folder else None)


def look_at(part: Part, settings: Settings) -> Look:
    """Examine what there is; asks no hub. Raises ModelUnavailable as `configured_parts` does."""
    memory = remembered_in(settings.data_dir)
    if part.folder is not None:
        if not is_folder(part.folder):
            return Look(part, None, None, f"there is no folder {part.folder}")
        return Look(part, part.folder, examine(part.folder, memory))
    try:
        model = resolve(part.name, part.role, settings.model_hub, part.revision)
    except ModelUnavailable as error:
        return Look(part, None, None, error.message)
    path = open_hub(settings.model_hub).cached(model)
    return Look(part, path, None if path is None else examine(path, memory))
