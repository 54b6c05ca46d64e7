"""The loop in which a worker's main process claims work that waits for networks and disks.

Such work takes little else, so it takes nothing from the processes that recognise.  All workers
share it; what one was at when it was killed, another claims after the lease.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)

_LOOK_S = 2.0
"""Seconds between looks for work without a doorbell; `sweep_s` where it is shorter."""

_STOP_WITHIN_S = 3.0


class Stoppable(Protocol):
    """A piece of work that is on its way."""

    def stop(self) -> None:
        """End it soon; called from another thread."""


WorkT = TypeVar("WorkT", bound=Stoppable)


class ClaimLoop(ABC, Generic[WorkT]):
    """Claims and works until stopped, on a thread of its own and one for each piece of work.

    A subclass says what is claimed and done.  `name` names the threads.
    """

    def __init__(self, name: str, *, sweep_s: float) -> None:
        self._name = name
        self._look_s = min(_LOOK_S, sweep_s)
        self._stopped = False
        self._due = threading.Event()
        self._under_way: dict[threading.Thread, WorkT] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"{name} loop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End what is on its way, and wait some seconds for it."""
        with self._lock:
            self._stopped = True
            for work in self._under_way.values():
                work.stop()
        self._due.set()
        deadline = time.monotonic() + _STOP_WITHIN_S
        self._thread.join(_STOP_WITHIN_S)
        with self._lock:
            left = list(self._under_way)
        for thread in left:
            thread.join(max(0.0, deadline - time.monotonic()))

    def lives(self) -> bool:
        """Return whether one of its threads has not ended."""
        with self._lock:
            return self._thread.is_alive() or bool(self._under_way)

    @abstractmethod
    def _claim(self, under_way: Collection[WorkT]) -> tuple[WorkT, Callable[[], None]] | None:
        """Claim what is to be done beside what is under way: the work, and a function that does it
        and stores how it ended. None where nothing waits, or there is no room for more.

        Raises SQLAlchemyError or OSError, after which it is called again.
        """

    def _run(self) -> None:
        while True:
            self._due.clear()
            if self._stopped:  # asked after that, or the call to stop would be missed
                return
            began = False
            try:
                began = self._begin_next()
            except (SQLAlchemyError, OSError) as error:
                reason = str(error.__cause__ or error)
                log.warning("cannot look for work", of=self._name, error=reason)
            except Exception:
                # Such as a lease that ended meanwhile, or a row that cannot be read: without this
                # loop the worker would go on and do none of its work.
                log.exception("looking for work failed", of=self._name)
            if not began:
                self._due.wait(self._look_s)

    def _begin_next(self) -> bool:
        """Claim work and begin it in a thread; whether there was some, and room for it."""
        with self._lock:
            under_way = list(self._under_way.values())
        claimed = self._claim(under_way)
        if claimed is None:
            return False
        work, do = claimed
        thread = threading.Thread(target=self._work, args=(do,), name=self._name, daemon=True)
        with self._lock:  # so that whoever stops finds it here, and begun
            thread.start()
            self._under_way[thread] = work
            if self._stopped:
                work.stop()
        return True

    def _work(self, do: Callable[[], None]) -> None:
        try:
            do()
        finally:
            with self._lock:
                del self._under_way[threading.current_thread()]
            self._due.set()
