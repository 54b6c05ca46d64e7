"""What `longscribe doctor` says of health and storage."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from shared import jobs
from shared.cli.doctor import examine as doctor
from shared.cli.doctor.finding import Level
from shared.db import Database
from shared.settings import Settings
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from tests.integration.doctor.findings import (
    all_of,
    changed,
    of,
    stored,
)
from tests.support import factories


class TestHealth:
    def test_a_worker_of_this_machine_says_what_keeps_it(
        self, settings: Settings, db: Database, tmp_path: Path
    ) -> None:
        settings = changed(settings, health_dir=str(tmp_path))
        told = {
            "worker": "here:1",
            "data_dir": str(settings.data_dir.resolve()),
            "told_at": time.time(),
            "ills": [],
            "obstacles": [{"code": "redis_unreachable", "message": "Redis does not answer."}],
        }
        file = tmp_path / f"{os.getpid()}.json"
        file.write_text(json.dumps(told))
        found = of(doctor.examine(settings), "health")
        assert found.level is Level.WARNING and "Redis does not answer" in found.finding
        file.write_text(json.dumps(told | {"obstacles": [], "told_at": time.time() - 300}))
        found = of(doctor.examine(settings), "health")
        assert found.level is Level.PROBLEM and "told nothing" in found.finding
        file.write_text(json.dumps(told | {"data_dir": "/elsewhere"}))
        assert all_of(doctor.examine(settings), "health") == []


class TestStorage:
    def test_a_missing_mount_is_told_as_such_and_no_backup_is_advised(
        self, settings: Settings, db: Database
    ) -> None:
        adopt_storage(db, LocalFolder(settings.recordings_dir, min_free_bytes=0))
        factories.submit(db, blob=stored(settings))
        assert of(doctor.examine(settings), "storage").level is Level.OK
        settings.recordings_dir.rename(settings.recordings_dir.with_name("away"))
        settings.recordings_dir.mkdir()
        found = doctor.examine(settings, delete_orphans=True)
        assert of(found, "storage").level is Level.PROBLEM
        assert of(found, "storage").what_to_do.startswith("Mount the storage of the recordings")
        assert of(found, "orphans").level is Level.UNCHECKED

    def test_a_worker_without_the_mount_is_a_problem_of_that_worker(
        self, settings: Settings, db: Database
    ) -> None:
        jobs.note_worker(
            db,
            jobs.WorkerReport(
                name="other:1",
                hostname="other",
                model="demo",
                device="cpu",
                started_at=datetime.now(UTC),
                obstacles=["storage_missing"],
            ),
        )
        found = of(doctor.examine(settings), "workers")
        assert found.level is Level.PROBLEM
        assert "does not see the storage" in found.finding
        assert "Mount the storage" in found.what_to_do

    def test_one_that_has_just_been_started_is_none(self, settings: Settings, db: Database) -> None:
        jobs.note_worker(
            db,
            jobs.WorkerReport(
                name="other:1",
                hostname="other",
                model="demo",
                device="cpu",
                started_at=datetime.now(UTC),
                obstacles=["storage_new", "starting"],
            ),
        )
        found = of(doctor.examine(settings), "workers")
        assert found.level is Level.WARNING
        assert "is starting" in found.finding
