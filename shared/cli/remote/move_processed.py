"""Moving of processed recordings into the folder for them."""

from __future__ import annotations

import errno
import os
import shutil
import unicodedata
from collections.abc import Iterable
from pathlib import Path

MOST_NAME_BYTES = 255
"""Bytes of a file's name at most, in most file systems."""

_MOST_SUFFIX_BYTES = 50

REASON = ".error.txt"
"""Suffix, after the recording's own name, of the text that says why the recording failed."""


def free_name(folder: Path, name: str, formats: Iterable[str], reserved: Iterable[str] = ()) -> str:
    """The name, with a number where something of that name lies in the folder already, or is to
    come there as one of `reserved`: another recording, or its transcript.  Names that differ in
    capitals only are one, as on many file systems.  It is cut where a name beside it would be too
    long."""
    stem, suffix = Path(name).stem, cut(Path(name).suffix, _MOST_SUFFIX_BYTES)
    longest = max([len(os.fsencode(suffix + REASON)), *(len(one) + 1 for one in formats)])
    with os.scandir(folder) as found:
        names = [one.name for one in found]
    taken = {stem for one in (*names, *reserved) for stem in _stems(folded(one))}
    number, mark = 1, ""
    while True:
        free = cut(stem, MOST_NAME_BYTES - longest - len(mark)) + mark
        if folded(free) not in taken:
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


def folded(name: str) -> str:
    """A name without capitals and composed: equal for names that a file system may take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _stems(name: str) -> list[str]:
    """The name, and what stands before each of its points."""
    return [name, *(name[:at] for at, letter in enumerate(name) if letter == ".")]


def cut(stem: str, most_bytes: int) -> str:
    """The beginning of a name that takes at most so many bytes."""
    while len(os.fsencode(stem)) > most_bytes:
        stem = stem[:-1]
    return stem
