"""A crash with the bundled model: the text is that of undisturbed work, word for word."""

from __future__ import annotations

import os
import signal

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.promises import breaches
from tests.support.speech.demo_speech import meeting
from tests.support.stack import Stack, wait_for
from tests.support.stack_without_http import Installation, as_wav, model_process


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_kill_9_of_the_child_in_mid_job_costs_at_most_a_batch_and_no_word(stack: Stack) -> None:
    installation = Installation(stack)
    # Small batches, so that there is a middle to die in.
    worker = stack.start_worker(LONGSCRIBE_BATCH_SIZE_S="5")
    recorded = as_wav(meeting(240).samples)
    whole = installation.submit(recorded)
    assert installation.wait_until_over(whole) == JobStatus.COMPLETED, worker.log
    killed = installation.submit(recorded)
    # Early, for what is left is done meanwhile if this process has to wait for its turn.
    wait_for(lambda: installation.batches(killed) >= 2, what="two batches")
    os.kill(model_process(worker.pid), signal.SIGKILL)
    assert installation.wait_until_over(killed) == JobStatus.COMPLETED, worker.log
    assert installation.transcript(killed) == installation.transcript(whole)
    attempts = installation.view(killed).job.attempts
    assert [a.outcome for a in attempts] == [AttemptOutcome.LOST, AttemptOutcome.COMPLETED]
    # Each batch is committed once, by one of the two.
    assert all(attempt.batches > 0 for attempt in attempts)
    undisturbed = installation.view(whole).attempt
    assert undisturbed is not None
    assert sum(attempt.batches for attempt in attempts) == undisturbed.batches
    assert breaches(installation.db) == []
    installation.db.dispose()
