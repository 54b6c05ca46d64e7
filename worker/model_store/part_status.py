"""Say of a part of a model where it lies on this machine, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import ModelUnavailable
from shared.settings import Settings
from worker.model_store.download import megabytes
from worker.model_store.hubs import open_hub
from worker.model_store.known import resolve
from worker.model_store.locate import remembered_in
from worker.model_store.parts import Part, is_folder
from worker.model_store.revision import Examined, examine


@dataclass(frozen=True, slots=True)
class PartStatus:
    """State of a part on this machine."""

    part: Part
    path: Path | None
    """Path of the part; None if it is not here."""
    examined: Examined | None
    complaint: str = ""
    """Reason why it cannot even be searched for."""

    @property
    def is_whole(self) -> bool:
        return self.examined is not None and not self.examined.problems

    @property
    def is_fine(self) -> bool:
        """Return whether every job can run with it: the network that tells voices apart may be
        downloaded with the first job that asks for it."""
        is_to_come = self.part.role == "spk" and self.path is None and not self.complaint
        return self.is_whole or is_to_come

    def as_lines(self) -> list[str]:
        """Lines for people: the part with its place, and what is wrong with it."""
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


def status_of(part: Part, settings: Settings) -> PartStatus:
    """Examine what there is; asks no hub. Raises ModelUnavailable as `model_parts` does."""
    memory = remembered_in(settings.data_dir)
    if part.folder is not None:
        if not is_folder(part.folder):
            return PartStatus(part, None, None, f"there is no folder {part.folder}")
        return PartStatus(part, part.folder, examine(part.folder, memory))
    try:
        model = resolve(part.name, part.role, settings.model_hub, part.revision)
    except ModelUnavailable as error:
        return PartStatus(part, None, None, error.message)
    path = open_hub(settings.model_hub).cached(model)
    return PartStatus(part, path, None if path is None else examine(path, memory))
