"""The link to one of two machines is cut while it works on a job."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import Action, Fault, Step
from tests.chaos.machinery.faulty_installation import recording, undisturbed
from tests.chaos.machines.conftest import NAMES
from tests.chaos.machines.installation import MachinesInstallation
from tests.chaos.machines.network import Cut
from tests.support.stack import REPOSITORY, Service, wait_for
from tests.support.zygote.parent_death import die_with_parent

CUT_OFF = {"database_unreachable", "redis_unreachable"}

LEASE_S = 8.0
"""Lease in seconds within which no worker that lives is taken for lost on a busy machine."""


def start_both(machines: MachinesInstallation) -> dict[str, Service]:
    machines.stack.env["LONGSCRIBE_LEASE_S"] = str(LEASE_S)
    workers = {name: machines.start_worker_on(name) for name in NAMES}
    for name in NAMES:
        wait_for(lambda name=name: machines.is_ready(name), what=f"{name} to be ready")  # type: ignore[misc]
    return workers


def other_than(name: str) -> str:
    [other] = {*NAMES} - {name}
    return other


def start_doctor(machines: MachinesInstallation, name: str) -> subprocess.Popen[bytes]:
    machine = machines.network.machines[name]
    return subprocess.Popen(
        [
            *machine.entering,
            *(sys.executable, "-m", "shared.cli", "doctor", "--quick", "--json"),
        ],
        cwd=REPOSITORY,
        env=machines.stack.environment | machines.environment_of(machine),
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )


@pytest.mark.parametrize("how", Cut)
def test_the_other_ends_its_job_and_its_late_write_is_refused(
    machines: MachinesInstallation, how: Cut
) -> None:
    workers = start_both(machines)
    recorded = recording()
    machines.faults.arm(Fault(Step.RECOGNISED, Action.HOLD, batch=3))
    job_id = machines.submit(recorded)
    wait_for(machines.faults.has_triggered, what="the third batch")
    [cut] = machines.machines_of(job_id)
    other = other_than(cut)

    machines.network.cut(cut, how)
    began = time.monotonic()
    doctor = start_doctor(machines, cut)
    assert machines.wait_until_over(job_id) == JobStatus.COMPLETED
    done_s = time.monotonic() - began
    wait_for(lambda: machines.obstacles(cut) >= CUT_OFF, what="503 and why")
    told_s = time.monotonic() - began
    assert machines.asked(cut)[0] == 503
    assert machines.asked(cut, "/healthz") == (200, {"status": "ok", "ills": []})
    wait_for(lambda: machines.is_ready(other), what="the other to be as ready as ever")
    found, _ = doctor.communicate()
    problems = {one["thing"] for one in json.loads(found)["findings"] if one["level"] == "problem"}
    assert problems >= {"database", "redis"}
    doctor_s = time.monotonic() - began
    print(
        f"\n{how}: {other} had done the job after {done_s:.1f} s, {cut} said so at {told_s:.1f}, "
        f"and the doctor there by {doctor_s:.1f}"
    )

    machines.faults.release()  # and now it wants to write what it has recognised
    machines.network.mend(cut)
    wait_for(lambda: "another worker has the job" in workers[cut].log, what="its write refused")
    wait_for(lambda: machines.is_ready(cut), what="it to be ready again")
    print(f"ready again {time.monotonic() - began:.1f} s after the cut")
    assert machines.machines_of(job_id) == [cut, other]
    assert machines.outcomes(job_id) == [
        (AttemptOutcome.LOST, "worker_lost"),
        (AttemptOutcome.COMPLETED, None),
    ]
    workers[other].kill_all()
    following = machines.submit(recording(4, spans=2))
    machines.wait_until_all_are(JobStatus.COMPLETED, [following])
    assert machines.machines_of(following) == [cut]
    assert machines.texts([job_id, following]) == [
        undisturbed(recorded),
        undisturbed(recording(4, spans=2)),
    ]
