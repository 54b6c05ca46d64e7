"""Where a recording goes that was worked on, and how it gets there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

_MOST_NAME_BYTES = 255
"""Of a file's name, in most file systems."""

_MOST_SUFFIX_BYTES = 50

REASON = ".error.txt"
"""What the text is called that says why a recording failed, after the recording's own name."""


def free_name(folder: Path, name: str, formats: Iterable[str]) -> str:
    """The name, with a number where something of that name lies in the folder already: another
    recording, or its transcript.  It is cut where a name beside it would be too long."""
    stem, suffix = Path(name).stem, _cut(Path(name).suffix, _MOST_SUFFIX_BYTES)
    longest = max([len(os.fsencode(suffix + REASON)), *(len(one) + 1 for one in formats)])
    with os.scandir(folder) as found:
        lying = [one.name for one in found]
    number, mark = 1, ""
    while True:
        free = _cut(stem, _MOST_NAME_BYTES - longest - len(mark)) + mark
        if not any(one.startswith(f"{free}.") or one == free for one in lying):
            return f"{free}{suffix}"
        number += 1
        mark = f" ({number})"


def move(path: Path, target: Path) -> None:
    """Move a file, also to another disk: there it lies as a whole or not at all, and killed in
    between it is moved by the next call."""
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        new = target.with_name(".longscribe.part")
        shutil.copy2(path, new)
        with new.open("rb+") as copied:
            os.fsync(copied.fileno())
        new.replace(target)
        path.unlink()


def _cut(stem: str, most_bytes: int) -> str:
    while len(os.fsencode(stem)) > most_bytes:
        stem = stem[:-1]
    return stem
