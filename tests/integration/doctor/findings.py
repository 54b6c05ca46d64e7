"""What the doctor's tests look at, and what they put there."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from shared import jobs
from shared.cli.doctor.finding import Finding
from shared.db import Database
from shared.settings import Settings
from shared.storage.blob_store import StoredBlob
from shared.storage.local.folder import LocalFolder

HOUR = 3600.0


def of(findings: list[Finding], thing: str) -> Finding:
    """The one finding of a thing."""
    (found,) = [finding for finding in findings if finding.thing == thing]
    return found


def all_of(findings: list[Finding], thing: str) -> list[Finding]:
    return [finding for finding in findings if finding.thing == thing]


def a_worker(db: Database) -> None:
    jobs.note_worker(
        db,
        jobs.WorkerReport(
            name="celery@here:1",
            hostname="here",
            model="demo",
            device="cpu",
            started_at=datetime.now(UTC),
        ),
    )


def stored(settings: Settings, *, age_s: float = 2 * HOUR) -> StoredBlob:
    blobs = LocalFolder(settings.recordings_dir, min_free_bytes=0)
    with blobs.receive(max_bytes=2**20) as incoming:
        incoming.write(b"sound")
        blob = incoming.keep()
    aged((blobs.root / blob.key), age_s)
    return blob


def aged(path: Path, age_s: float = 2 * HOUR) -> Path:
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def changed(settings: Settings, **values: object) -> Settings:
    return Settings(**{**settings.model_dump(exclude_unset=True), **values})


def aged_folder(settings: Settings) -> Path:
    folder = settings.work_dir / "0199-of-another-database"
    folder.mkdir(parents=True)
    return aged(folder)
