"""A worker that does not see the recordings, beside one that does."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared import jobs
from shared.states import JobStatus
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.support.stack import wait_for

pytestmark = pytest.mark.usefixtures("long_leases")


def obstacles(faulty: FaultyInstallation) -> list[tuple[str, ...]]:
    return sorted(worker.obstacles for worker in jobs.workers_seen(faulty.db, within_s=3))


def blind_folder(faulty: FaultyInstallation) -> Path:
    """A data folder whose recordings are not mounted."""
    folder = faulty.stack.folder / "blind"
    (folder / "recordings").mkdir(parents=True)
    return folder


def test_a_worker_without_the_mount_leaves_all_to_the_one_that_has_it(
    faulty: FaultyInstallation,
) -> None:
    first = faulty.submit(recording(spans=2))
    sound = faulty.start_worker("sound")
    faulty.wait_until_all_are(JobStatus.COMPLETED, [first])
    folder = blind_folder(faulty)
    blind = faulty.start_worker("blind", LONGSCRIBE_DATA_DIR=str(folder))
    wait_for(lambda: obstacles(faulty) == [(), ("storage_missing",)], what="both to report")
    submitted = [faulty.submit(recording(seed, spans=2)) for seed in range(10)]
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
    assert [len(faulty.outcomes(job_id)) for job_id in submitted] == [1] * 10
    assert "leaves the queue alone" in blind.log
    assert list((folder / "recordings").iterdir()) == []

    # Alone it takes nothing, until the mount is back.
    sound.stop()
    last = faulty.submit(recording(11, spans=2))
    (folder / "recordings").rmdir()
    (folder / "recordings").symlink_to(faulty.blobs.root)
    faulty.wait_until_all_are(JobStatus.COMPLETED, [last])


def test_a_mount_that_goes_away_in_mid_work_costs_no_job(faulty: FaultyInstallation) -> None:
    faulty.start_worker()
    first = faulty.submit(recording(spans=2))
    faulty.wait_until_all_are(JobStatus.COMPLETED, [first])
    root, away = faulty.blobs.root, faulty.blobs.root.with_name("away")
    submitted = [faulty.submit(recording(seed, spans=12)) for seed in range(4)]
    faulty.wait_for_progress(submitted[0], 0.1)
    root.rename(away)
    root.mkdir()
    wait_for(lambda: ("storage_missing",) in obstacles(faulty), what="the worker to see it")
    root.rmdir()
    away.rename(root)
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
    ends = {outcome for job_id in submitted for outcome in faulty.outcomes(job_id)}
    assert ends <= {("completed", None), ("released", "storage_unavailable")}
