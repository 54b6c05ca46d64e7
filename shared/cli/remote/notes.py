"""What a command keeps on disk of files that are on their way, so that a later one goes on."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


class Notes:
    """A file of JSON with an object for each key, written anew as a whole with each change.

    A process that is killed leaves the file as it was before or after a change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _read(path)

    def get(self, key: str) -> dict[str, Any]:
        return dict(self._values.get(key, {}))

    def items(self) -> list[tuple[str, dict[str, Any]]]:
        return [(key, dict(value)) for key, value in self._values.items()]

    def put(self, key: str, **changes: Any) -> None:
        self._values = _read(self._path)  # of another command meanwhile
        self._values[key] = {**self._values.get(key, {}), **changes}
        self._write()

    def drop(self, key: str) -> None:
        self._values = _read(self._path)
        if self._values.pop(key, None) is not None:
            self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        # In ASCII: a file's name may hold bytes that are no text.
        write_durably(new, json.dumps(self._values, indent=1).encode())
        new.replace(self._path)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file for its own user only, on the disk once this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def identity_of(path: Path) -> str:
    """Another one once the file's name, length or time of change is another."""
    stat = path.stat()
    return f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    with suppress(FileNotFoundError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return {key: one for key, one in value.items() if isinstance(one, dict)}
    return {}
