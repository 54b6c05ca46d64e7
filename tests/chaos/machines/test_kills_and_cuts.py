"""Workers on two machines are killed and cut off at moments that a seed decides; CHAOS_SEED repeats
a run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import KILLS, Action, kill_group
from tests.chaos.machinery.faulty_installation import recording, undisturbed
from tests.chaos.machines.conftest import NAMES
from tests.chaos.machines.installation import MachinesInstallation, main_process
from tests.chaos.machines.network import Cut
from tests.support.stack import Service, wait_for
from tests.support.stack_without_http import model_processes

SPANS = 5
BATCH_TAKES_S = 0.5
"""Seconds of a batch, so that a job lasts about three seconds."""

LONGEST_CUT_S = 20.0
"""Seconds of the longest cut: from one that TCP bridges, over one longer than the lease, 4 s, to
one after which every connection was given up, at 15 s."""


@dataclass(frozen=True)
class Blow:
    """What is done to the machine `name`, `moment_s` seconds after it was found at work."""

    name: str
    how: Action | Cut
    moment_s: float
    lasts_s: float = 0.0
    """Length of a cut, in seconds."""


def drawn(draw: random.Random, kills: int, cuts: int) -> list[Blow]:
    blows = [
        Blow(draw.choice(NAMES), draw.choice(KILLS), draw.uniform(0, 1.0)) for _ in range(kills)
    ]
    for number in range(cuts):
        # As many short ones as long ones.
        shortest = 2.0 + (LONGEST_CUT_S - 2.0) * number / cuts
        lasts_s = draw.uniform(shortest, shortest + (LONGEST_CUT_S - 2.0) / cuts)
        how = draw.choice(list(Cut))
        blows.append(Blow(draw.choice(NAMES), how, draw.uniform(0, 1.0), lasts_s))
    draw.shuffle(blows)
    return blows


def kill(worker: Service, action: Action) -> None:
    main = main_process(worker)
    if main is None:
        return
    with contextlib.suppress(ProcessLookupError):
        match action:
            case Action.KILL_GROUP:
                kill_group(main)
            case Action.KILL_MAIN:
                os.kill(main, signal.SIGKILL)
            case _:
                for pid in model_processes(main):
                    os.kill(pid, signal.SIGKILL)


class Storm:
    """Blows fall one after another, each on a machine that is at work; cuts go on meanwhile, so
    one that is cut off may be killed, and the other beside it."""

    def __init__(self, machines: MachinesInstallation, workers: dict[str, Service]) -> None:
        self._machines = machines
        self._workers = workers
        self._mended_at: dict[str, float] = {}
        self._began = time.monotonic()
        self.in_mid_job = 0

    def falls(self, blows: Iterable[Blow], job_ids: list[str]) -> None:
        for blow in blows:
            self.in_mid_job += self._meets_it_at_work(blow, job_ids)
            at_s = time.monotonic() - self._began
            print(f"{at_s:6.1f} s: {blow.name}, {blow.how} {blow.lasts_s or '':.3}")
            if isinstance(blow.how, Cut):
                self._machines.network.cut(blow.name, blow.how)
                self._mended_at[blow.name] = time.monotonic() + blow.lasts_s
            else:
                kill(self._workers[blow.name], blow.how)
        while self._mended_at:
            self._go_on(0.1)

    def _meets_it_at_work(self, blow: Blow, job_ids: list[str]) -> bool:
        """Let time pass until the machine is at a job and the blow's moment has come. Not for ever:
        at the end there may be none left."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._machines.is_at_work(blow.name) and self._may_fall(blow):
                self._go_on(blow.moment_s)
                if self._machines.is_at_work(blow.name):
                    return True
            elif all(self._machines.status(job_id) == JobStatus.COMPLETED for job_id in job_ids):
                return False
            self._go_on(0.1)
        return False

    def _may_fall(self, blow: Blow) -> bool:
        """A cut waits until the last one is mended and somebody else can take the job over; a kill
        asks for nobody."""
        return not isinstance(blow.how, Cut) or (
            blow.name not in self._mended_at
            and all(self._machines.is_ready(name) for name in NAMES if name != blow.name)
        )

    def _go_on(self, seconds: float) -> None:
        """Let time pass, and mend what is due."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for name, at in list(self._mended_at.items()):
                if now >= at:
                    self._machines.network.mend(name)
                    del self._mended_at[name]
            if now >= until:
                return
            time.sleep(min(0.1, until - now))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("count", "kills", "cuts"),
    [(10, 2, 1), pytest.param(50, 10, 5, marks=pytest.mark.long)],
)
def test_every_transcript_is_right(
    machines: MachinesInstallation, count: int, kills: int, cuts: int
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
    print(f"\nCHAOS_SEED={seed}")
    blows = drawn(random.Random(seed), kills, cuts)
    # Here nobody asks how many attempts a job may lose.
    machines.max_attempts = 100
    machines.stack.env |= {
        "LONGSCRIBE_MAX_ATTEMPTS": str(machines.max_attempts),
        "BATCH_TAKES_S": str(BATCH_TAKES_S),
    }
    workers = {name: machines.start_worker_on(name) for name in NAMES}
    recorded = [recording(seed, SPANS) for seed in range(count)]
    job_ids = [machines.submit(one) for one in recorded]
    began = time.monotonic()
    storm = Storm(machines, workers)
    storm.falls(blows, job_ids)
    machines.wait_until_all_are(JobStatus.COMPLETED, job_ids, seconds=300)
    took_s = time.monotonic() - began

    assert storm.in_mid_job >= len(blows) // 2, "most blows fell on machines that had no work"
    assert machines.texts(job_ids) == [undisturbed(one) for one in recorded]
    ends = Counter(end for job_id in job_ids for end in machines.outcomes(job_id))
    refused = sum(worker.log.count("another worker has the job") for worker in workers.values())
    lasted = ", ".join(f"{b.lasts_s:.0f} s {b.how}" for b in blows if isinstance(b.how, Cut))
    print(
        f"{count} right transcripts in {took_s:.0f} s through {kills} kills and {cuts} cuts "
        f"({lasted}), {storm.in_mid_job} of them in mid-job: {dict(ends)}; {refused} attempts "
        f"found their lease lost; {machines.step_log.repeated()} batches begun again"
    )
    assert {outcome for outcome, _ in ends} <= {
        AttemptOutcome.COMPLETED,
        AttemptOutcome.LOST,
        AttemptOutcome.RELEASED,
    }
    wait_for(lambda: all(machines.is_ready(name) for name in NAMES), what="both to be ready again")
