"""Machines with a model each: a job that names one waits for its machine, and keeps nobody up."""

from __future__ import annotations

from pathlib import Path

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import recording, undisturbed
from tests.chaos.machines.installation import MachinesInstallation
from tests.chaos.machines.network import Cut
from tests.support.stack import wait_for

UNDISTURBED = [(AttemptOutcome.COMPLETED, None)]


def test_a_job_that_names_a_model_goes_to_its_machine_and_waits_while_that_is_cut_off(
    machines: MachinesInstallation, tmp_path: Path
) -> None:
    ours = tmp_path / "our-model"
    ours.mkdir()
    machines.stack.env["LONGSCRIBE_LEASE_S"] = "60"  # none has to run out
    machines.start_worker_on("north")
    machines.start_worker_on("south", LONGSCRIBE_MODEL=str(ours))
    for name in ("north", "south"):
        wait_for(lambda name=name: machines.is_ready(name), what=f"{name} to be ready")  # type: ignore[misc]
    recorded = [recording(seed, spans=2) for seed in range(8)]

    named = [machines.submit(one, model=ours.name) for one in recorded[:3]]
    machines.wait_until_all_are(JobStatus.COMPLETED, named)

    machines.network.cut("south", Cut.SWALLOWED)
    waiting = [machines.submit(one, model=ours.name) for one in recorded[3:5]]
    others = [machines.submit(one) for one in recorded[5:]]
    machines.wait_until_all_are(JobStatus.COMPLETED, others)
    assert [machines.status(job_id) for job_id in waiting] == [JobStatus.QUEUED] * 2
    machines.network.mend("south")
    machines.wait_until_all_are(JobStatus.COMPLETED, waiting)

    for job_id in (*named, *waiting):
        assert machines.machines_of(job_id) == ["south"]
        assert machines.transcript(job_id).model == ours.name
        assert machines.outcomes(job_id) == UNDISTURBED
    assert [machines.machines_of(job_id) for job_id in others] == [["north"]] * 3
    assert machines.texts([*named, *waiting, *others]) == [undisturbed(one) for one in recorded]
