"""Notes on disk about files being sent, from which a later command continues."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


class Notes:
    """A file of JSON with an object for each key, written anew as a whole with each change.

    A process that is killed leaves the file as it was before or after a change, and a change that
    could not be written is none.  `is_shared`: other processes may write it too, so that it is read
    again before each change.
    """

    def __init__(self, path: Path, *, is_shared: bool = True) -> None:
        self._path = path
        self._is_shared = is_shared
        self._values = _read(path)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> dict[str, Any]:
        return dict(self._values.get(key, {}))

    def items(self) -> list[tuple[str, dict[str, Any]]]:
        return [(key, dict(value)) for key, value in self._values.items()]

    def put(self, key: str, **changes: Any) -> None:
        values = self._newest()
        self._write({**values, key: {**values.get(key, {}), **changes}})

    def drop(self, key: str) -> None:
        values = self._newest()
        if key in values:
            self._write({other: value for other, value in values.items() if other != key})

    def _newest(self) -> dict[str, dict[str, Any]]:
        return _read(self._path) if self._is_shared else self._values

    def _write(self, values: dict[str, dict[str, Any]]) -> None:
        if self._is_shared:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        by_whom = (
            f".{os.getpid()}" if self._is_shared else ""
        )  # so that kills leave no more than one
        new = self._path.with_name(f"{self._path.name}{by_whom}.part")
        # In ASCII: a file's name may hold bytes that are no text.
        write_durably(new, json.dumps(values).encode())
        new.replace(self._path)
        self._values = values


def write_durably(path: Path, content: bytes) -> None:
    """Write a file for its own user only, on the disk once this returns."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def identity_of(path: Path, stat: os.stat_result | None = None) -> str:
    """Identity of a file, which changes with its name, length or modification time; `stat` if it is
    known."""
    stat = stat or path.stat()
    return f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    with suppress(FileNotFoundError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return {key: one for key, one in value.items() if isinstance(one, dict)}
    return {}
