"""A folder of its own for each attempt's decoded audio, and the removal of what crashes left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared import jobs
from shared.db import Database

_ID_LENGTH = 36
"""A folder's name begins with the job's id, a UUID."""


@contextmanager
def job_folder(work_dir: Path, job_id: str) -> Iterator[Path]:
    """An empty folder, gone afterwards. Whoever holds the job removes what an earlier attempt
    at it left."""
    work_dir.mkdir(parents=True, exist_ok=True)
    for leftover in work_dir.glob(f"{job_id}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=work_dir, prefix=f"{job_id}-") as folder:
        yield Path(folder)


def sweep(work_dir: Path, db: Database) -> int:
    """Remove the folders of jobs that nobody runs; how many there were.

    Other children and other workers share the folder, so what they run stays.
    """
    if not work_dir.is_dir():
        return 0
    # In this order: a job is claimed before its folder is made, so whoever made one of these and
    # still works in it is among the running.
    folders = list(work_dir.iterdir())
    running = jobs.running_job_ids(db)
    leftovers = [folder for folder in folders if folder.name[:_ID_LENGTH] not in running]
    for folder in leftovers:
        shutil.rmtree(folder, ignore_errors=True)
    return len(leftovers)
