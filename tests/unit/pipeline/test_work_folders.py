"""What a crash leaves is removed; what anybody works on stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared import jobs
from shared.db import Database
from tests.support import factories
from worker.pipeline import work_folders
from worker.pipeline.work_folders import remove_leftovers, work_folder


@pytest.fixture
def db(sqlite_url: str) -> Database:
    return Database(sqlite_url)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_folders_of_jobs_that_nobody_runs_are_removed(db: Database, work: Path) -> None:
    factories.submit(db)
    claim = jobs.claim_next(db, worker="w", lease_s=30)
    assert claim is not None
    waiting = factories.submit(db)
    with work_folder(work, claim.job_id) as running:
        (work / f"{waiting}-left").mkdir()
        assert remove_leftovers(work, db) == 1
        assert list(work.iterdir()) == [running]


def test_a_job_that_a_sibling_claims_during_the_sweep_keeps_its_folder(
    db: Database, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.submit(db)
    made: list[Path] = []
    running_job_ids = jobs.running_job_ids

    def claimed_meanwhile(db: Database) -> set[str]:
        running = running_job_ids(db)
        claim = jobs.claim_next(db, worker="sibling", lease_s=30)
        assert claim is not None
        made.append(work / f"{claim.job_id}-1")
        made[0].mkdir()
        return running

    monkeypatch.setattr(work_folders.jobs, "running_job_ids", claimed_meanwhile)
    assert remove_leftovers(work, db) == 0
    assert made[0].is_dir()


def test_no_folder_yet_is_nothing_to_sweep(db: Database, tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path / "work", db) == 0
