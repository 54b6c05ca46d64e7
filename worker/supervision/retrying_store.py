"""Reads and writes of an attempt that are repeated while the database is unavailable.

Recognised words are worth more than the time that an outage takes, so an attempt keeps what it has
recognised, waits for as long as it takes, and goes on.  Meanwhile its lease runs out; the sweeps
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
from worker.supervision.liveness import Liveness

log = structlog.get_logger(__name__)

_PAUSE_S = 0.5
"""Seconds between two tries: less than any time after which the lease would be ended."""

_FINAL_WRITE_S = 10.0
"""Seconds that a worker waits after a stop signal for the database to take how its attempt ended,
and no longer than a quarter of the time that it has for stopping."""

P = ParamSpec("P")
T = TypeVar("T")


def retry_while_unavailable(operation: Callable[[], T], waiting: Callable[[], None]) -> T:
    """The result of `operation`, which is repeated until the database answers.

    `waiting` is called before and after each pause; it raises when there is a reason to give up.
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
                log.warning("the database is unavailable; waiting for it", error=str(error))
        else:
            if tries:
                log.warning("the database is back", waited_s=round(time.monotonic() - began, 1))
            return result
        tries += 1
        waiting()
        time.sleep(_PAUSE_S)
        waiting()


class RetryingStore:
    """An attempt's reads and writes. Each takes effect once, however often it has to be tried.

    While it waits it calls `check`, which raises when the attempt must stop, and notes progress
    with `liveness`, for it is not the attempt that hangs.
    """

    def __init__(
        self, db: Database, claim: Claim, check: Callable[[], None], liveness: Liveness
    ) -> None:
        self._db = db
        self._claim = claim
        self._check = check
        self._liveness = liveness

    def _waiting(self) -> None:
        self._liveness.note_progress()
        self._check()

    def read(
        self,
        operation: Callable[Concatenate[Database, Claim, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The result of a function of `shared.jobs` that writes nothing."""
        return retry_while_unavailable(
            lambda: operation(self._db, self._claim, *args, **kwargs), self._waiting
        )

    def write(
        self,
        operation: Callable[Concatenate[Database, Claim, P], None],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Carry out a function of `shared.jobs`. Raises what it raises, and what `check` raises."""
        claim = replace(self._claim, write=new_id())

        def once() -> None:
            try:
                operation(self._db, claim, *args, **kwargs)
            except AlreadyWritten:
                log.info("the last write was committed before the connection broke")

        retry_while_unavailable(once, self._waiting)


class FinalWriteDeadline:
    """The `check` of the write that ends an attempt.

    Without a stop signal the write may wait for ever.  After one it has some seconds, and then this
    raises ShutdownRequested.
    """

    def __init__(self, shutdown: threading.Event, *, soft_shutdown_s: float) -> None:
        self._shutdown = shutdown
        self._limit_s = min(_FINAL_WRITE_S, soft_shutdown_s / 4)
        self._stop_seen_at: float | None = None

    def __call__(self) -> None:
        if not self._shutdown.is_set():
            return
        if self._stop_seen_at is None:
            self._stop_seen_at = time.monotonic()
        if time.monotonic() - self._stop_seen_at >= self._limit_s:
            raise ShutdownRequested
