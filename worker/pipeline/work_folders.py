"""Folders for the decoded audio of attempts, and the removal of those that crashes left behind."""

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
def work_folder(work_dir: Path, job_id: str) -> Iterator[Path]:
    """An empty folder for one attempt, removed afterwards.

    What an earlier attempt at the job left is removed too: whoever holds the job may do that.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    for leftover in work_dir.glob(f"{job_id}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=work_dir, prefix=f"{job_id}-") as folder:
        yield Path(folder)


def remove_leftovers(work_dir: Path, db: Database) -> int:
    """Remove the folders of jobs that nobody runs; how many there were.

    Other children and other workers share `work_dir`, so the folders of running jobs stay.
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
