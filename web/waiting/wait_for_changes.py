"""Waits for jobs: one thread of a process asks the database for all of them at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.accounts import LOCAL_OWNER
from shared.db import Database
from shared.errors import TransientError
from shared.jobs import WatchedState
from web.services import Services
from web.waiting import PARKS, WAIT

log = structlog.stdlib.get_logger(__name__)

_EXTENSION = "longscribe.watch"

LOOK_EVERY_S = 0.1
"""Seconds between looks for changes while anybody waits."""

_SHARE_OF_TIME = 0.05
"""Share of the clock that looking takes at most: with very many jobs it is done less often."""


_KEPT_FREE = 10
"""Divisor of the places: one of so many is left to others by each owner, where there are
several."""


class TooManyWaiting(TransientError):
    code = "too_many_waiting"
    http_status = 503
    default_message = (
        "Too many requests wait for a transcript already. Try again shortly, or submit the "
        "recording to /api/v1/jobs, which waits for nothing."
    )


class Wait:
    """Wait of a client for one job, counted among those that wait. A context manager: after its end
    the wait is counted no more."""

    def __init__(self, watch: JobWatch, environ: dict[str, Any], owner_id: str) -> None:
        self.owner_id = owner_id
        self.job_id = ""
        """Id of the job that is waited for; empty while the recording is still on its way."""
        self.is_stopping = False
        """True if the server ends, so that nobody may wait any longer."""
        self.seen: WatchedState | None = None
        """State of the job when this was woken last; None before, and once it is gone."""
        self._was_seen = False
        self._watch = watch
        self._environ = environ
        self._woken = threading.Event()
        self._woken.set()
        self._lock = threading.Lock()
        self._then: Callable[[], None] | None = None
        self._until = 0.0

    def __enter__(self) -> Wait:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give the place back."""
        self._watch.leave(self)

    @property
    def is_over(self) -> bool:
        """Return whether the job was at its end, or gone, when this was woken last."""
        return self._was_seen and (self.seen is None or self.seen.is_over)

    def until_change(self, within_s: float) -> Iterator[bytes]:
        """Wait until the job stands otherwise than it was seen, or for `within_s`; the first time,
        until it is seen.  Yield what this yields: nothing, in a server that goes on later."""
        with self._lock:
            self._then = None
            self._until = time.monotonic() + max(0.0, within_s)
            self._woken.clear()
        if self.is_stopping:
            return
        if PARKS in self._environ:
            self._environ[WAIT] = self
            yield b""
        else:
            self._woken.wait()

    def then(self, go_on: Callable[[], None]) -> None:
        """Have `go_on` called once when the wait is over, from another thread or at once."""
        with self._lock:
            if not self._woken.is_set():
                self._then = go_on
                return
        go_on()

    def stop(self) -> None:
        """End this wait and all later ones, because the server ends."""
        self.is_stopping = True
        self._wake()

    def look(self, states: dict[str, WatchedState] | None) -> None:
        """Wake who waits if `states` has something new, or if it is time; None: nobody knows."""
        if self._woken.is_set():
            return
        if states is not None:
            state = states.get(self.job_id)
            if state != self.seen or not self._was_seen:
                self.seen, self._was_seen = state, True
                self._wake()
                return
        if time.monotonic() >= self._until:
            self._wake()

    @property
    def is_waiting(self) -> bool:
        return not self._woken.is_set()

    def _wake(self) -> None:
        with self._lock:
            if self._woken.is_set():
                return
            self._woken.set()
            go_on, self._then = self._then, None
        if go_on is not None:
            go_on()


class JobWatch:
    """Waits of this process, and the thread that looks for them while there are any."""

    def __init__(self, db: Database, *, most: int) -> None:
        self._db = db
        self._most = most
        self._waits: set[Wait] = set()
        self._lock = threading.Lock()
        self._looks = False

    def enter(self, environ: dict[str, Any], owner_id: str = LOCAL_OWNER) -> Wait:
        """Take a place for the request with this environment, before anything is received for it.
        Raises TooManyWaiting, also where the owner has all places but those of others."""
        with self._lock:
            own = sum(wait.owner_id == owner_id for wait in self._waits)
            most = self._most
            if owner_id != LOCAL_OWNER:
                most -= most // _KEPT_FREE
            if len(self._waits) >= self._most or own >= most:
                raise TooManyWaiting
            wait = Wait(self, environ, owner_id)
            self._waits.add(wait)
            if not self._looks:
                self._looks = True
                threading.Thread(target=self._look_for_all, name="job-watch", daemon=True).start()
        return wait

    def leave(self, wait: Wait) -> None:
        with self._lock:
            self._waits.discard(wait)

    def _look_for_all(self) -> None:
        while True:
            with self._lock:
                if not self._waits:
                    self._looks = False
                    return
                waits = [wait for wait in self._waits if wait.is_waiting]
            began = time.monotonic()
            try:
                states = self._states({wait.job_id for wait in waits})
                for wait in waits:
                    wait.look(states)
            except Exception:
                # Without this thread everybody who waits would wait for ever.
                log.exception("waits could not be looked for")
            took_s = time.monotonic() - began
            time.sleep(max(LOOK_EVERY_S, took_s / _SHARE_OF_TIME))

    def _states(self, job_ids: set[str]) -> dict[str, WatchedState] | None:
        if not job_ids:
            return {}
        try:
            return jobs.watched_states(self._db, job_ids)
        except SQLAlchemyError as error:
            log.warning("cannot look for jobs that are waited for", error=str(error))
            return None


def open_watch(app: Flask, here: Services) -> None:
    """Create the watch of `app`."""
    app.extensions[_EXTENSION] = JobWatch(here.db, most=here.settings.max_waiting)


def watch() -> JobWatch:
    """The watch of the application that handles this request."""
    return cast(JobWatch, current_app.extensions[_EXTENSION])
