"""What a worker asks of the database and does not give up when the database is out.

Recognised words are worth more than the time that an outage takes, so an attempt waits with what
it has in hand, for as long as it takes, and goes on.  Meanwhile its lease runs out; the reapers
give it the time of a heartbeat once the database is back, and the fence decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from shared.db import Database, is_unavailable
from shared.errors import AlreadyWritten
from shared.jobs import Claim
from shared.models import new_id
from worker.supervision.heartbeat import ShutdownRequested
from worker.supervision.liveness import Watched

log = structlog.get_logger(__name__)

_PAUSE_S = 0.5
"""Between two tries. Less than any time in which somebody would take the job back."""

_LAST_WORDS_S = 10.0
"""A worker that was told to stop waits so long for the database to hear how its attempt ended, and
no longer than a quarter of the time that it has for stopping."""

P = ParamSpec("P")
T = TypeVar("T")


def through_outages(operation: Callable[[], T], waiting: Callable[[], None]) -> T:
    """`operation`, repeated until the database answers.

    `waiting` is called before each repetition, and raises when there is a reason to give up.
    """
    began = time.monotonic()
    tries = 0
    while True:
        try:
            result = operation()
        except Exception as error:
            if not is_unavailable(error):
                raise
            if tries == 0:
                log.warning("the database is out; waiting for it", error=str(error))
        else:
            if tries:
                log.warning("the database is back", waited_s=round(time.monotonic() - began, 1))
            return result
        tries += 1
        waiting()
        time.sleep(_PAUSE_S)
        waiting()


class AttemptStore:
    """An attempt's reads and writes. Each happens once, however often it has to be tried.

    While waiting it calls `check`, which raises when the attempt must stop, and tells `watched`
    that the attempt is not what hangs.
    """

    def __init__(
        self, db: Database, claim: Claim, check: Callable[[], None], watched: Watched
    ) -> None:
        self._db = db
        self._claim = claim
        self._check = check
        self._watched = watched

    def _waiting(self) -> None:
        self._watched.moved()
        self._check()

    def read(
        self,
        operation: Callable[Concatenate[Database, Claim, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The result of a function of `shared.jobs` that writes nothing."""
        return through_outages(
            lambda: operation(self._db, self._claim, *args, **kwargs), self._waiting
        )

    def write(
        self,
        operation: Callable[Concatenate[Database, Claim, P], None],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Carry out a function of `shared.jobs`; raises what it raises, and what `check` does."""
        claim = replace(self._claim, write=new_id())

        def once() -> None:
            try:
                operation(self._db, claim, *args, **kwargs)
            except AlreadyWritten:
                log.info("the last write was committed before the connection broke")

        through_outages(once, self._waiting)


class LastWords:
    """The `check` of an attempt that is over, while the database has yet to hear how: a shutdown
    leaves it some seconds, and then raises ShutdownRequested."""

    def __init__(self, shutdown: threading.Event, *, soft_shutdown_s: float) -> None:
        self._shutdown = shutdown
        self._limit_s = min(_LAST_WORDS_S, soft_shutdown_s / 4)
        self._told_at: float | None = None

    def __call__(self) -> None:
        if not self._shutdown.is_set():
            return
        if self._told_at is None:
            self._told_at = time.monotonic()
        if time.monotonic() - self._told_at >= self._limit_s:
            raise ShutdownRequested
