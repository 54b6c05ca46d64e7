"""The server of a bucket goes away in mid-work, and workers are killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared import jobs
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage.configured import open_blob_store
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
    undisturbed,
)
from tests.support.databases.sqlite import migrated_file
from tests.support.stack import Stack, running, wait_for

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server


@pytest.fixture
def in_a_bucket(tmp_path: Path, s3_server: S3Server) -> Iterator[FaultyInstallation]:
    """An installation whose recordings lie in a bucket, with a Redis and no worker yet."""
    bucket = s3_server.new_bucket()
    url = migrated_file(tmp_path / "longscribe.db")
    with running(Stack(tmp_path / "stack", url, s3_server.environment(bucket))) as stack:
        stack.start_redis()
        made = FaultyInstallation(stack)
        settings = Settings(data_dir=stack.folder / "data", **s3_server.settings(bucket))  # type: ignore[arg-type]
        made.blobs = open_blob_store(settings)  # type: ignore[assignment]
        yield made
        made.db.dispose()
        s3_server.start()


def obstacles(faulty: FaultyInstallation) -> set[tuple[str, ...]]:
    return {worker.obstacles for worker in jobs.workers_seen(faulty.db, within_s=3)}


def test_an_outage_with_a_kill_in_mid_job_costs_no_job_and_no_word(
    in_a_bucket: FaultyInstallation, s3_server: S3Server
) -> None:
    faulty = in_a_bucket
    recorded = [recording(seed, spans=8) for seed in range(3)]
    submitted = [faulty.submit(content) for content in recorded]
    # In mid-job however long the server of the bucket takes to stop.
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD, batch=3))
    first = faulty.start_worker("first")
    wait_for(faulty.faults.has_triggered, what="the third batch")

    s3_server.stop()
    first.kill_all()
    faulty.start_worker("second")
    wait_for(lambda: ("storage_unreachable",) in obstacles(faulty), what="the worker to see it")
    assert JobStatus.FAILED not in {faulty.status(job_id) for job_id in submitted}
    s3_server.start()

    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
    assert faulty.texts(submitted) == [undisturbed(content) for content in recorded]
    ends = [outcome for job_id in submitted for outcome in faulty.outcomes(job_id)]
    assert ends.count(("lost", "worker_lost")) == 1  # the one that was killed
    released = ("released", "storage_unavailable")
    assert set(ends) <= {("completed", None), ("lost", "worker_lost"), released}
