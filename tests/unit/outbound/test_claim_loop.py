"""The loop that claims and works: it begins no more than it may, and leaves nothing running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from sqlalchemy.exc import OperationalError

from shared.errors import FenceLost
from tests.support.stack import wait_for
from worker.claim_loop import ClaimLoop


class Work:
    """Goes on until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


class Loop(ClaimLoop[Work]):
    """Two at once, of as much as there is."""

    def __init__(self) -> None:
        super().__init__("work", sweep_s=60.0)
        self._look_s = 600.0
        self.begun: list[Work] = []
        self.errors: list[Exception] = []
        self.claims = threading.Event()
        self.goes_on = threading.Event()
        self.goes_on.set()

    def _claim(self, under_way: Collection[Work]) -> tuple[Work, Callable[[], None]] | None:
        if self.errors:
            self._due.set()
            raise self.errors.pop()
        if len(under_way) == 2:
            return None
        self.claims.set()
        self.goes_on.wait()
        self.begun.append(work := Work())
        return work, work.stopped.wait


def test_what_ends_makes_room_for_the_next_and_a_stop_ends_all() -> None:
    loop = Loop()
    gone = OperationalError("SELECT", {}, OSError("the server is gone"))
    loop.errors = [gone, FenceLost(), KeyError("not in what is stored")]
    loop.start()
    wait_for(lambda: len(loop.begun) == 2, what="the two that may go on at once")
    loop.begun[0].stop()
    wait_for(lambda: len(loop.begun) == 3, what="the next, of which it is told and does not look")
    loop.stop()
    wait_for(lambda: not loop.lives(), what="its threads to end")
    assert all(work.stopped.is_set() for work in loop.begun)


def test_what_is_claimed_while_it_is_stopped_is_stopped_too() -> None:
    loop = Loop()
    loop.goes_on.clear()
    loop.start()
    loop.claims.wait(60)
    stopping = threading.Thread(target=loop.stop)
    stopping.start()
    wait_for(lambda: loop._stopped, what="the stop")
    loop.goes_on.set()
    stopping.join(60)
    wait_for(lambda: not loop.lives(), what="its threads to end")
    [work] = loop.begun
    assert work.stopped.is_set()
