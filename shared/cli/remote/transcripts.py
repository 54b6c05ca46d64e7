"""Transcripts as files beside each other, each there as a whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from longscribe_client.connection import Connection
from shared.cli.remote.move_processed import MOST_NAME_BYTES, cut, folded
from shared.cli.remote.notes import write_durably
from shared.errors import LongscribeError
from shared.export.formats import FORMATS


class NoSuchFormat(LongscribeError):
    code = "no_such_format"


def formats_in(text: str) -> list[str]:
    """The formats of a list with commas. Raises NoSuchFormat."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names or [""]:
        if name not in FORMATS:
            raise NoSuchFormat(f"There is no format '{name}'. Choose from {', '.join(FORMATS)}.")
    return names


class Stems:
    """Names for the transcripts of one command, without their suffixes.

    No two recordings of a command get one name, as many are called recording.wav: the second would
    be written over the first.  What an earlier command wrote is written over.
    """

    def __init__(self, endings: Iterable[str]) -> None:
        self._most_bytes = MOST_NAME_BYTES - max(len(os.fsencode(one)) for one in endings)
        self._taken: set[str] = set()

    def of(self, filename: str) -> str:
        """The stem for a recording of this name, cut to what file systems take."""
        stem, number, mark = Path(filename).stem, 1, ""
        while True:
            found = cut(stem, self._most_bytes - len(mark)) + mark
            if folded(found) not in self._taken:
                self._taken.add(folded(found))
                return found
            number += 1
            mark = f" ({number})"


def save(
    server: Connection, job_id: str, folder: Path, stem: str, formats: Iterable[str]
) -> list[Path]:
    """Write a completed job's transcript in each format, over what has these names."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for name in formats:
        path = folder / f"{stem}.{name}"
        new = folder / f".{job_id}.{name}.part"
        write_durably(new, server.transcript(job_id, name))
        new.replace(path)
        saved.append(path)
    return saved


def report_ending(asked: Mapping[str, str]) -> str:
    """Ending of a report's file name behind the recording's name, without the suffix."""
    return " " + re.sub(r'[/\\:*?"<>|]', "-", asked.get("template", "minutes"))


def save_report(
    server: Connection, job_id: str, folder: Path, stem: str, asked: Mapping[str, str]
) -> Path:
    """Write a completed job's report, named after its template, over what has this name."""
    folder.mkdir(parents=True, exist_ok=True)
    content = server.report(job_id, **asked)
    # Which of both it is, the template decides where nobody asked.
    suffix = "docx" if content.startswith(b"PK\x03\x04") else "md"
    path = folder / f"{stem}{report_ending(asked)}.{suffix}"
    new = folder / f".{job_id}.{suffix}.part"
    write_durably(new, content)
    new.replace(path)
    return path
