"""A model folder read from end to end: its revision, and whether its files are whole.

A gigabyte takes seconds to hash, so the answer is remembered by each file's size, modification
time and inode in a small file of the data folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.model_store.checkpoint_integrity import BLOCK_BYTES, CheckpointCut, read_whole
from worker.model_store.config_yaml import CONFIG, ConfigUnreadable
from worker.model_store.files import (
    CHECKPOINT,
    CONFIGURATION,
    NORMALISATION,
    OPTIONAL,
    TOKENS,
    FileProblem,
    checkpoint_name,
    content_problem,
    firered_class,
    names_in,
    needed_files,
    pointer_problem,
    readable_problem,
)

log = logging.getLogger(__name__)

DECIDING = frozenset({CONFIG, CONFIGURATION, CHECKPOINT, NORMALISATION, *OPTIONAL, *TOKENS})
"""Files that FunASR takes wherever they lie, named by the config or not."""

_CHECKPOINTS = (".pt", ".pth", ".bin", ".tar")
_POINTER_BYTES = 64

_SMALL_BYTES = 64 << 20
"""Bytes above which no file but a checkpoint is looked into; tokens.json has some 100 kB."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Result of reading a folder."""

    revision: str
    """The first 12 hex digits of a SHA-256 over the files that decide what the model says."""
    problems: list[FileProblem]
    """Problems of the folder; empty for a whole one. Where there are some, the revision says
    nothing."""
    size_bytes: int


def examine(folder: Path, memory: Path | None = None) -> Examined:
    """Read a folder's files to their end, or take what `memory` (a JSON file) knows of them."""
    is_firered = firered_class(names_in(folder)) is not None
    if not is_firered and (problem := readable_problem(folder, CONFIG)):
        return Examined("", [problem], 0)
    try:
        needed = needed_files(folder)
    except ConfigUnreadable as error:
        return Examined("", [FileProblem(CONFIG, f"has a {CONFIG} that {error.reason}")], 0)
    problems = [found for name in needed if (found := readable_problem(folder, name))]
    names = sorted(_deciding_files(folder) | set(needed))
    if problems:
        return Examined("", problems, _size(folder, names))
    signature = [_signature(folder, name) for name in names]
    key = str(folder.resolve())
    known = _recall(memory).get(key)
    if isinstance(known, dict) and known.get("files") == signature:
        return Examined(str(known.get("revision")), [], _size(folder, names))
    digest = hashlib.sha256()
    for name in names:
        if problem := _hash_file(folder, name, digest):
            problems.append(problem)
    revision = digest.hexdigest()[:12]
    if memory is not None and not problems:
        _remember(memory, key, {"files": signature, "revision": revision})
    return Examined(revision, problems, _size(folder, names))


def _deciding_files(folder: Path) -> set[str]:
    return {name for name in DECIDING if (folder / name).is_file()}


def names_that_decide(folder: Path) -> list[str]:
    """Names of the files of a folder that decide what its model says, sorted.

    Raises ModelUnavailable if config.yaml cannot be read.
    """
    return sorted(_deciding_files(folder) | set(needed_files(folder)))


def _size(folder: Path, names: list[str]) -> int:
    return sum((folder / name).stat().st_size for name in names if (folder / name).is_file())


def _signature(folder: Path, name: str) -> list[Any]:
    status = (folder / name).stat()
    return [name, status.st_size, status.st_mtime_ns, status.st_ino]


def _hash_file(folder: Path, name: str, digest: Any) -> FileProblem | None:
    """Add a file to the digest; return what is wrong with it."""
    path = folder / name
    is_checkpoint = name == checkpoint_name(folder) or path.suffix in _CHECKPOINTS
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as stream:
            if problem := pointer_problem(name, stream.read(_POINTER_BYTES)):
                return problem
        digest.update(f"{name}\0{size_bytes}\0".encode())
        if is_checkpoint or size_bytes > _SMALL_BYTES:
            for block in read_whole(path) if is_checkpoint else _blocks(path):
                digest.update(block)
            return None
        content = path.read_bytes()
        digest.update(content)
    except CheckpointCut as error:
        return FileProblem(name, f"has a {name} that {error}")
    except OSError as error:
        reason = f"has a {name} that cannot be read ({error.strerror or error})"
        return FileProblem(name, reason, is_permission=True)
    return content_problem(name, content)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _recall(memory: Path | None) -> dict[str, Any]:
    if memory is None:
        return {}
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("what is known of the models in %s is not used: %s", memory, error)
        return {}
    return known if isinstance(known, dict) else {}


def _remember(memory: Path, key: str, entry: dict[str, Any]) -> None:
    """Add an entry to the file of known revisions. Two processes that write at once lose one entry,
    which is then worked out again."""
    if not memory.parent.is_dir():
        return  # `longscribe doctor` makes no data folder
    known = _recall(memory)
    known[key] = entry
    try:
        descriptor, partial = tempfile.mkstemp(dir=memory.parent, prefix=f".{memory.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(known, stream, indent=1)
            Path(partial).replace(memory)
        except OSError:
            with contextlib.suppress(OSError):
                Path(partial).unlink()
            raise
    except OSError as error:
        log.warning("the models' revisions cannot be remembered in %s: %s", memory, error)
