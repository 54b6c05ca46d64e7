"""The folders of decoded audio: what a crash leaves is swept, what another works in stays."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.support.stack import wait_for
from tests.support.stack_without_http import model_processes

pytestmark = pytest.mark.usefixtures("long_leases")


def works_in(folder: Path, pid: int) -> bool:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed since it was listed
            if link.readlink().parent == folder:
                return True
    return False


def test_a_child_that_starts_leaves_what_the_other_is_working_on(
    faulty: FaultyInstallation,
) -> None:
    worker = faulty.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")
    wait_for(lambda: worker.log.count("model loaded") == 2, what="both children")
    work = faulty.stack.folder / "data" / "work"
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD, batch=3))
    job_id = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what="its third batch")
    (folder,) = work.iterdir()
    left_by_a_crash = work / "left by a crash"
    left_by_a_crash.mkdir()

    (idle,) = (pid for pid in model_processes(worker.pid) if not works_in(folder, pid))
    os.kill(idle, signal.SIGKILL)
    wait_for(lambda: not left_by_a_crash.exists(), what="the new child's sweep")
    assert faulty.status(job_id) == JobStatus.PROCESSING
    assert folder.exists()

    faulty.faults.release()
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED
    assert faulty.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]
