"""Kills the child of a worker whose attempt makes no progress any more.

It runs in the main process, which touches no device and waits for no database: whatever a child
hangs in (a kernel that never returns, a lock, a call that never releases the interpreter), it is
ended from here by SIGKILL.  Celery starts another, with a fresh context on the device; the other
children are not affected.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.errors import Stalled
from shared.settings import Settings
from worker.monitoring.counts import tally
from worker.supervision.liveness import LivenessLine, liveness_files

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
"""Seconds between examinations of each child; where the limit is short, four times within it."""


@dataclass(slots=True)
class _Seen:
    """The last line of a child, and for how long it has not changed."""

    line: bytes
    parsed: LivenessLine | None
    silent_s: float = 0.0


class Watchdog:
    """Watches the children of `worker` on a thread until it is stopped."""

    def __init__(self, settings: Settings, db: Database, *, worker: str) -> None:
        self._settings = settings
        self._db = db
        self._worker = worker
        self._look_s = min(_LOOK_S, settings.stall_s / 4)
        self._seen: dict[int, _Seen] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=_LOOK_S)

    def lives(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            looked_at = time.monotonic()
            while not self._stopped.wait(self._look_s):
                now = time.monotonic()
                # A machine or container that was frozen froze the children too, so no more of
                # that time counts against them than two looks.
                self._look(min(now - looked_at, 2 * self._look_s))
                looked_at = now
        except BaseException:
            log.critical("the watch broke; the worker stops", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _look(self, elapsed_s: float) -> None:
        try:
            children = dict(liveness_files(self._settings.watch_dir, worker=self._worker))
            for pid in self._seen.keys() - children.keys():
                del self._seen[pid]  # its attempt is over
            for pid, path in children.items():
                if is_our_living_child(pid):
                    self._look_at(pid, path, elapsed_s)
                else:
                    path.unlink(missing_ok=True)  # of a child that died in mid-attempt
        except OSError as error:
            log.warning("watch incomplete", error=str(error))

    def _look_at(self, pid: int, path: Path, elapsed_s: float) -> None:
        try:
            line = path.read_bytes()
        except OSError:  # the attempt is over by now
            return
        seen = self._seen.get(pid)
        if seen is None or seen.line != line:
            self._seen[pid] = _Seen(line, _parsed(line))
            return
        seen.silent_s += elapsed_s
        if seen.parsed is not None and seen.silent_s > seen.parsed.limit_s:
            self._kill(pid, path, seen.parsed, seen.silent_s)

    def _kill(self, pid: int, path: Path, last: LivenessLine, silent_s: float) -> None:
        log.error(
            "attempt stalled; its process is killed",
            job_id=last.job_id,
            fence=last.fence,
            pid=pid,
            silent_s=round(silent_s, 1),
        )
        # First the child: then nobody renews the lease, whether or not the database can be told.
        with contextlib.suppress(ProcessLookupError):  # it died just now
            os.kill(pid, signal.SIGKILL)
        del self._seen[pid]
        # On a thread of its own: a database that does not answer must not stop the watch.
        threading.Thread(target=self._record, args=[last], name="stalled", daemon=True).start()
        path.unlink(missing_ok=True)

    def _record(self, last: LivenessLine) -> None:
        try:
            status = jobs.end_lost_attempt(
                self._db,
                job_id=last.job_id,
                fence=last.fence,
                error=Stalled(),
                max_attempts=self._settings.max_attempts,
            )
        except SQLAlchemyError as error:
            log.warning("left to the sweep", job_id=last.job_id, error=str(error))
        else:
            if status is not None:
                tally.note_lost()
            log.warning("attempt lost", job_id=last.job_id, now=status or "held by another")


def _parsed(line: bytes) -> LivenessLine | None:
    try:
        return LivenessLine.parse(line)
    except ValueError:
        return None


def is_our_living_child(pid: int) -> bool:
    """Return whether the process is our child and runs; its exit status is left for Celery to
    read."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def remove_stale_files(folder: Path, *, worker: str) -> None:
    """Remove the files of an earlier worker of the same name.

    In a container the next worker's children have the same process ids, and would be killed for the
    silence of those that are gone.
    """
    for _, path in liveness_files(folder, worker=worker):
        path.unlink(missing_ok=True)
