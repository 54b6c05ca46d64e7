"""kill -9 after kill -9, at steps and moments that a seed decides; CHAOS_SEED repeats a run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import KILLS, OF_A_BATCH, Action, Fault, Step, kill_group, lives
from tests.chaos.machinery.faulty_installation import ANY, FaultyInstallation, recording
from tests.chaos.machinery.step_log import READY, TRIGGERED
from tests.support.stack import wait_for

SPANS = 6
BATCH_TAKES_S = 0.1
LONGEST_MOMENT_S = 1.0
"""About how long the claim of a job lasts."""

LEASE_S, SWEEP_S = 4.0, 0.5
ALLOWED_S = LEASE_S + SWEEP_S + 3.0
"""Most seconds from the kill to the next claim of the job, by the other worker."""

STEPS = [step for step in Step if step is not Step.LISTENING]


@dataclass(frozen=True)
class Kill:
    """At a step (of a batch), or `moment_s` seconds after the job was claimed."""

    action: Action
    step: Step | None
    batch: int
    moment_s: float


@dataclass(frozen=True)
class Told:
    """What a kill has cost."""

    kill: Kill
    recovery_s: float | None
    """Seconds until another attempt claimed the job; None if the job had ended, or nothing of it
    was lost."""
    repeated: int
    outcomes: tuple[str | None, ...]


def drawn(draw: random.Random) -> Kill:
    at_a_step = draw.random() < 0.6
    return Kill(
        draw.choice(KILLS),
        draw.choice(STEPS) if at_a_step else None,
        draw.randint(1, SPANS),
        draw.uniform(0, LONGEST_MOMENT_S),
    )


def at_a_step(
    faulty: FaultyInstallation, kill: Kill, recorded: bytes, filename: str
) -> tuple[str, float]:
    """The job, and when it was triggered."""
    assert kill.step is not None
    of = ANY if kill.step is Step.CLAIMING else filename
    batch = kill.batch if kill.step in OF_A_BATCH else 0
    before = len(faulty.step_log.entries(TRIGGERED))
    faulty.faults.arm(Fault(kill.step, kill.action, batch=batch), filename=of)
    job_id = faulty.submit(recorded, filename=filename)
    triggered = wait_for(
        lambda: faulty.step_log.entries(TRIGGERED)[before:], what=f"{kill} to be triggered"
    )
    return job_id, triggered[0].at


def at_a_moment(
    faulty: FaultyInstallation, kill: Kill, recorded: bytes, filename: str
) -> tuple[str, float]:
    job_id = faulty.submit(recorded, filename=filename)
    claimed = wait_for(lambda: faulty.step_log.entries(Step.CLAIMED, job_id=job_id), what="a claim")
    child = claimed[0].pid
    main = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    time.sleep(kill.moment_s)
    triggered_at = time.time()
    with contextlib.suppress(ProcessLookupError):
        if kill.action is Action.KILL_GROUP:
            kill_group(main)
        else:
            os.kill(child if kill.action is Action.KILL_CHILD else main, signal.SIGKILL)
    return job_id, triggered_at


def ready_workers(faulty: FaultyInstallation) -> int:
    return sum(lives(entry.pid) for entry in faulty.step_log.entries(READY))


def told(faulty: FaultyInstallation, kill: Kill, job_id: str, triggered_at: float) -> Told:
    claims = [entry.at for entry in faulty.step_log.entries(Step.CLAIMED, job_id=job_id)]
    after = [at - triggered_at for at in claims if at > triggered_at]
    return Told(
        kill,
        after[0] if after else None,
        faulty.step_log.repeated(job_id),
        tuple(outcome for outcome, _ in faulty.outcomes(job_id)),
    )


def summary(seed: int, results: list[Told], begun: int) -> str:
    actions = Counter(result.kill.action.removeprefix("kill_") for result in results)
    steps = Counter(result.kill.step or "a moment" for result in results)
    recoveries = {
        result.recovery_s: result.kill for result in results if result.recovery_s is not None
    }
    slowest_s = max(recoveries)
    return "\n".join(
        [
            "",
            f"{len(results)} kills with CHAOS_SEED={seed}: "
            + ", ".join(f"{number} of the {action}" for action, number in actions.most_common()),
            "at " + ", ".join(f"{step} {number}" for step, number in steps.most_common()),
            f"recovery of {len(recoveries)} jobs: median {statistics.median(recoveries):.2f} s, "
            f"largest {slowest_s:.2f} s (lease {LEASE_S:.0f} s, sweep {SWEEP_S} s), after "
            f"{recoveries[slowest_s]}",
            f"batches recognised again: {sum(result.repeated for result in results)} of {begun}, "
            f"at most {max(result.repeated for result in results)} a kill",
        ]
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.long)])
def test_every_transcript_is_right_and_a_kill_costs_at_most_a_batch(
    faulty: FaultyInstallation, kills: int
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))
    print(f"\nCHAOS_SEED={seed}")
    draw = random.Random(seed)
    faulty.stack.env |= {
        "LONGSCRIBE_LEASE_S": str(LEASE_S),
        "LONGSCRIBE_SWEEP_S": str(SWEEP_S),
        "BATCH_TAKES_S": str(BATCH_TAKES_S),
    }
    for name in ("one", "two"):
        faulty.start_worker(name, supervised=True)
    recordings = [recording(seed, SPANS) for seed in range(3)]
    whole = [faulty.submit(recorded) for recorded in recordings]
    faulty.wait_until_all_are(JobStatus.COMPLETED, whole)
    expected = [faulty.transcript(job_id) for job_id in whole]

    results = []
    for number in range(kills):
        kill, which = drawn(draw), number % len(recordings)
        # One takes over from the other; how long a worker takes to start is not asked here.
        wait_for(lambda: ready_workers(faulty) == 2, what="both workers")
        trigger = at_a_moment if kill.step is None else at_a_step
        job_id, triggered_at = trigger(faulty, kill, recordings[which], f"{number}.wav")
        faulty.wait_until_all_are(JobStatus.COMPLETED, [job_id])
        assert faulty.transcript(job_id) == expected[which], f"{kill}, CHAOS_SEED={seed}"
        results.append(told(faulty, kill, job_id, triggered_at))

    print(summary(seed, results, len(faulty.step_log.entries(Step.RECOGNISING))))
    for result in results:
        assert result.repeated <= 1, result
        assert result.outcomes in (
            (AttemptOutcome.COMPLETED,),
            (AttemptOutcome.LOST, AttemptOutcome.COMPLETED),
        ), result
    if kills > 6:
        late = [r for r in results if r.recovery_s is not None and r.recovery_s > ALLOWED_S]
        assert late == []
