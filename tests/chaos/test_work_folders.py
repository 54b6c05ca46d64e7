"""The folders of decoded audio: what a crash leaves is swept, what another works in stays."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.staged import Deed, Fault, Staged, Step, recording
from tests.support.installation import model_processes
from tests.support.services import wait_for


def works_in(folder: Path, pid: int) -> bool:
    opened = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return any(path.parent == folder for path in opened)


def test_a_child_that_starts_leaves_what_the_other_is_working_on(staged: Staged) -> None:
    worker = staged.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")
    wait_for(lambda: worker.log.count("model loaded") == 2, seconds=90, what="both children")
    work = staged.stack.folder / "data" / "work"
    staged.faults.arm(Fault(Step.RECOGNISING, Deed.HOLD, batch=3))
    job_id = staged.submit(recording())
    wait_for(staged.faults.has_struck, what="its third batch")
    (folder,) = work.iterdir()
    left_by_a_crash = work / "left by a crash"
    left_by_a_crash.mkdir()

    (idle,) = (pid for pid in model_processes(worker.pid) if not works_in(folder, pid))
    os.kill(idle, signal.SIGKILL)
    wait_for(lambda: not left_by_a_crash.exists(), seconds=90, what="the new child's sweep")
    assert staged.status(job_id) == JobStatus.PROCESSING
    assert folder.exists()

    staged.faults.release()
    assert staged.wait_until_over(job_id) == JobStatus.COMPLETED
    assert staged.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]
