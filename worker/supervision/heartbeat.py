"""The thread that renews an attempt's lease, and how the pipeline learns that it must stop."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.errors import Cancelled, FenceLost, LongscribeError

log = structlog.get_logger(__name__)

_JOIN_S = 2.0
"""How long the end of an attempt waits for a heartbeat that is being written. One that is written
later finds the attempt over and changes nothing."""


class ShutdownRequested(Exception):
    """The worker received a stop signal; the job goes back to the queue as it is."""


class Heartbeat:
    """Renews the lease every `interval_s` from a thread of its own while it is entered.

    Only the database says whether the attempt has lost its job: while it is unavailable the lease
    expires, but nobody else can claim the job either.

    Call `check` often: it raises Cancelled, FenceLost or ShutdownRequested once there is a
    reason to stop.
    """

    def __init__(
        self,
        db: Database,
        claim: jobs.Claim,
        *,
        interval_s: float,
        shutdown: threading.Event,
    ) -> None:
        self._db = db
        self._claim = claim
        self._interval_s = interval_s
        self._shutdown = shutdown
        self._ended = threading.Event()
        self._reason: LongscribeError | None = None
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def check(self) -> None:
        if self._reason is not None:
            raise self._reason
        if self._shutdown.is_set():
            raise ShutdownRequested

    def _run(self) -> None:
        failed = False
        while not self._ended.wait(self._interval_s):
            try:
                jobs.heartbeat(self._db, self._claim)
                failed = False
            except (Cancelled, FenceLost) as reason:
                self._reason = reason
                return
            except SQLAlchemyError as error:
                if not failed:  # and not every few seconds of an outage
                    log.warning("heartbeat failed", error=str(error.__cause__ or error))
                failed = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(_JOIN_S)
