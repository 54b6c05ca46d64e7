"""Transcripts as files beside each other, each there as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from longscribe_client.connection import Connection
from shared.cli.remote.notes import write_durably
from shared.errors import LongscribeError
from shared.export import FORMATS


class NoSuchFormat(LongscribeError):
    code = "no_such_format"


def formats_in(text: str) -> list[str]:
    """The formats of a list with commas. Raises NoSuchFormat."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in FORMATS:
            raise NoSuchFormat(f"There is no format '{name}'. Choose from {', '.join(FORMATS)}.")
    return names


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


def save_report(
    server: Connection, job_id: str, folder: Path, stem: str, asked: Mapping[str, str]
) -> Path:
    """Write a completed job's report, named after its template, over what has this name."""
    folder.mkdir(parents=True, exist_ok=True)
    content = server.report(job_id, **asked)
    # Which of both it is, the template decides where nobody asked.
    suffix = "docx" if content.startswith(b"PK\x03\x04") else "md"
    of_which = re.sub(r'[/\\:*?"<>|]', "-", asked.get("template", "minutes"))
    path = folder / f"{stem} {of_which}.{suffix}"
    new = folder / f".{job_id}.{suffix}.part"
    write_durably(new, content)
    new.replace(path)
    return path
