"""The thread that renews an attempt's lease, and how the pipeline learns that it must stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import Cancelled, FenceLost, LongscribeError

log = structlog.get_logger(__name__)

_JOIN_S = 2.0
"""Seconds for which the end of an attempt waits for a heartbeat that is being written. One that is
written later finds the attempt over and changes nothing."""


class ShutdownRequested(Exception):
    """The worker received a stop signal; the job goes back to the queue as it is."""


class Heartbeat:
    """Renews a lease with `renew` every `interval_s` from a thread of its own while it is entered.

    Only the database says whether the attempt has lost its job: while it is unavailable the lease
    expires, but nobody else can claim the job either.

    Call `check` often: it raises Cancelled, FenceLost or ShutdownRequested once there is a
    reason to stop.  `interrupt` is called from that thread when the lease is lost or the job
    cancelled, for who waits where nothing can be checked.
    """

    def __init__(
        self,
        renew: Callable[[], None],
        *,
        interval_s: float,
        shutdown: threading.Event,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self._renew = renew
        self._interrupt = interrupt
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
                self._renew()
                failed = False
            except (Cancelled, FenceLost) as reason:
                self._reason = reason
                if self._interrupt is not None:
                    self._interrupt()
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
