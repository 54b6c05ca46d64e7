"""What a machine has connections to goes without a word, and another is there at its address."""

from __future__ import annotations

import time

from shared.states import JobStatus
from tests.chaos.machinery.faulty_installation import recording
from tests.chaos.machines.installation import REDIS_PORT, MachinesInstallation
from tests.chaos.machines.network import Cut
from tests.support.stack import wait_for


def test_a_worker_hears_another_redis_at_the_address_of_one_that_went_without_a_word(
    machines: MachinesInstallation,
) -> None:
    machines.start_worker_on("north")
    wait_for(lambda: machines.is_ready("north"), what="the worker to be ready")
    first = machines.submit(recording(1, spans=1))
    machines.wait_until_all_are(JobStatus.COMPLETED, [first])
    asked_s = wait_for(
        lambda: machines.network.machines["north"].unanswered_within_s(REDIS_PORT),
        what="a connection that waits for a doorbell",
    )
    assert max(asked_s) <= 10
    # Its connections are to be left without an answer, and not to be closed.
    machines.network.cut("north", Cut.SWALLOWED)
    assert machines.stack.redis is not None
    servers = machines.network.servers
    servers.forget_soon()
    machines.stack.redis.kill_all()
    wait_for(lambda: not servers.connections_to(REDIS_PORT), what="the connections to be gone")
    machines.start_redis()
    machines.network.mend("north")

    began = time.monotonic()
    second = machines.submit(recording(2, spans=1))
    machines.wait_until_all_are(JobStatus.COMPLETED, [second])
    print(f"\nheard and done {time.monotonic() - began:.1f} s after the line was back")
