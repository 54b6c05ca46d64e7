"""A device that fails with more than memory costs its process, and no job that is not to blame."""

from __future__ import annotations

import pytest

from shared import jobs
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.chaos.machinery.step_log import READY, TRIGGERED
from tests.support.stack import wait_for

pytestmark = pytest.mark.usefixtures("long_leases")

GIVEN_BACK = (AttemptOutcome.RELEASED, "device_failed")


@pytest.mark.parametrize("step", [Step.LISTENING, Step.RECOGNISING, Step.PUNCTUATING])
def test_a_broken_context_fails_none_of_ten_jobs(faulty: FaultyInstallation, step: Step) -> None:
    faulty.faults.arm(Fault(step, Action.BREAK_DEVICE), filename="third.wav")
    submitted = [
        faulty.submit(
            recording(seed, spans=2), filename="third.wav" if seed == 2 else f"{seed}.wav"
        )
        for seed in range(10)
    ]
    worker = faulty.start_worker()
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
    assert faulty.outcomes(submitted[2]) == [GIVEN_BACK, (AttemptOutcome.COMPLETED, None)]
    others = [job_id for job_id in submitted if job_id != submitted[2]]
    assert {outcome for job_id in others for outcome in faulty.outcomes(job_id)} == {
        (AttemptOutcome.COMPLETED, None)
    }
    assert len({entry.pid for entry in faulty.step_log.entries() if entry.what == READY}) == 2
    assert "the device failed; its process ends" in worker.log


def test_a_recording_that_breaks_the_device_each_time_fails_and_the_others_go_on(
    faulty: FaultyInstallation,
) -> None:
    fault = Fault(Step.RECOGNISING, Action.BREAK_DEVICE, each_time=True)
    faulty.faults.arm(fault, filename="poison.wav")
    poison = faulty.submit(recording(spans=2), filename="poison.wav")
    sound = [faulty.submit(recording(seed, spans=2)) for seed in range(3)]
    faulty.start_worker()
    faulty.wait_until_all_are(JobStatus.COMPLETED, sound)
    faulty.wait_until_all_are(JobStatus.FAILED, [poison])
    assert faulty.outcomes(poison) == [
        *[GIVEN_BACK] * (tries_until_blamed(faulty, others=len(sound)) - 1),
        (AttemptOutcome.FAILED, "device_failed"),
    ]
    assert faulty.view(poison).job.error_code == "device_failed"


def tries_until_blamed(faulty: FaultyInstallation, others: int) -> int:
    """Three; and more where a process that started late took the job again, before another that
    waited was tried."""
    tries, finished, was_tried = 0, 0, False
    for entry in faulty.step_log.entries():
        if entry.what == TRIGGERED:
            tries += 1
            if tries >= 3 and (was_tried or finished == others):
                return tries
            was_tried = False
        elif entry.what == Step.FINISHED:
            finished += 1
            was_tried = True
    pytest.fail(f"blamed after {tries} tries, too early")


def test_a_device_that_fails_with_everything_is_spared_and_says_so(
    faulty: FaultyInstallation,
) -> None:
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.BREAK_DEVICE, each_time=True))
    submitted = [faulty.submit(recording(seed, spans=2)) for seed in range(4)]
    faulty.start_worker()
    wait_for(
        lambda: sum(len(faulty.outcomes(job_id)) for job_id in submitted) >= 3,
        what="three failures",
    )
    wait_for(
        lambda: any(
            "device_failed" in seen.obstacles for seen in jobs.workers_seen(faulty.db, within_s=3)
        ),
        what="the worker to say so",
    )
    assert {faulty.status(job_id) for job_id in submitted} <= {
        JobStatus.QUEUED,
        JobStatus.PROCESSING,
    }
    faulty.faults.disarm()
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted)
