"""Workers whose disk is small: a file system of 40 MB, mounted for the worker alone."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from shared.states import JobStatus
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.support.stack import Service

pytestmark = pytest.mark.usefixtures("long_leases")

MB = 2**20
SPANS = 73
"""A recording of 400 s, which takes 13 MB decoded: no more than three fit at once."""


def start_on_40_mb(faulty: FaultyInstallation, **env: str) -> Service:
    work = faulty.stack.folder / "data" / "work"
    work.mkdir(parents=True, exist_ok=True)
    # Not where the tests are root already, whose rights over another user's files would be lost.
    as_root = ["--user", "--map-root-user"] if os.getuid() else []
    mount = 'mount -t tmpfs -o size=40m tmpfs "$0" && exec "$@"'
    return faulty.start_worker(
        under=["unshare", *as_root, "--mount", "sh", "-c", mount, str(work)],
        LONGSCRIBE_MIN_FREE_BYTES="0",
        **env,
    )


def test_none_of_twelve_fails_on_a_disk_that_holds_three(faulty: FaultyInstallation) -> None:
    submitted = [faulty.submit(recording(seed, spans=SPANS)) for seed in range(12)]
    start_on_40_mb(faulty, LONGSCRIBE_WORKER_CONCURRENCY="4")
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
    ends = Counter(outcome for job_id in submitted for outcome in faulty.outcomes(job_id))
    print(f"\n12 jobs of 13 MB on 40 MB, four at once: {dict(ends)}")
    assert {code for _, code in ends} <= {None, "insufficient_storage"}


def test_a_recording_that_never_fits_says_so_and_lets_the_others_through(
    faulty: FaultyInstallation,
) -> None:
    huge = faulty.submit(recording(spans=300))
    small = [faulty.submit(recording(seed, spans=4)) for seed in range(3)]
    start_on_40_mb(faulty)
    faulty.wait_until_all_are(JobStatus.COMPLETED, small)
    faulty.wait_until_all_are(JobStatus.FAILED, [huge])
    shown = faulty.view(huge).job
    assert shown.error_code == "disk_too_small"
    assert "offers 40 MB even when it is empty" in str(shown.error_message)
