"""Celery's main process: it watches its children, sweeps, and passes stop signals on.

It never loads the model and never touches the device, so that nothing can hang here that hangs a
child (`worker.child_process`).
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import structlog
from billiard import active_children

from shared.db import Database
from shared.private_files import close_to_others
from shared.queue import QUEUE
from shared.settings import load_settings
from shared.storage.configured import open_blob_store
from shared.storage.space import work_space
from worker.audio.sandbox.check import why_unavailable
from worker.supervision.monitor import Monitor
from worker.supervision.reaper import Reaper
from worker.supervision.watchdog import Watchdog, remove_stale_files

log = structlog.get_logger(__name__)

STOP_SIGNAL = signal.SIGUSR2
"""From the main process to a child. Celery uses SIGTERM, SIGQUIT and SIGUSR1 itself."""

NO_MODEL_SIGNAL = signal.SIGURG
"""From a child to the main process, before SIGTERM. Without a handler this signal has no effect."""

NO_MODEL_STATUS = 2
"""Exit status of a worker, and of its child, that has no model to work with."""

_has_no_model = False
_monitor: Monitor | None = None
_reaper: Reaper | None = None
_watchdog: Watchdog | None = None


def worker_name(main_pid: int) -> str:
    """The name of the worker with this main process: the same in all of its processes."""
    return f"{socket.gethostname()}:{main_pid}"


def require_our_concurrency(concurrency: int | None, autoscale: object) -> None:
    """Refuse Celery's own options for the number of children.

    What each of them may take of the device follows from our setting.  Raises SystemExit, which
    Celery lets through.
    """
    ours = load_settings().worker_concurrency
    if autoscale or (concurrency or ours) != ours:
        raise SystemExit(
            "Leave out --concurrency and --autoscale, and set LONGSCRIBE_WORKER_CONCURRENCY: the "
            "children of a worker divide the device's memory by it."
        )


def require_sandbox() -> None:
    """Refuse to start, or warn, where the decoder cannot be confined. Raises SystemExit."""
    reason = why_unavailable()
    if reason is None:
        return
    if load_settings().sandbox_required:
        raise SystemExit(
            f"This machine cannot confine the decoder ({reason}), and LONGSCRIBE_SANDBOX=required "
            "forbids decoding without. Let the container's profile allow prctl and seccomp, or set "
            "LONGSCRIBE_SANDBOX=if-available."
        )
    log.warning("recordings are decoded without a filter on system calls", reason=reason)


def before_children() -> None:
    """Close the data folder to others, and prepare the signals to this process's children.

    A child that receives STOP_SIGNAL before it has a handler would die of it.  Blocked, which
    children inherit, the signal waits until the child has one.
    """
    settings = load_settings()
    if closed := close_to_others(settings):
        log.warning("others could read these; they are private now", paths=[*map(str, closed)])
    remove_stale_files(settings.watch_dir, worker=worker_name(os.getpid()))
    signal.pthread_sigmask(signal.SIG_BLOCK, {STOP_SIGNAL})
    signal.signal(NO_MODEL_SIGNAL, _note_that_no_model_loads)


def _note_that_no_model_loads(*_: object) -> None:
    global _has_no_model
    _has_no_model = True


def start(celery: Any, consumer: Any) -> None:
    """Sweep, watch and monitor from now on; `consumer` is Celery's, which hears doorbells."""
    global _monitor, _reaper, _watchdog
    settings = load_settings()
    db = Database(settings.resolved_database_url)
    name = worker_name(os.getpid())
    _watchdog = Watchdog(settings, db, worker=name)
    _watchdog.start()
    _monitor = Monitor(
        settings,
        db,
        open_blob_store(settings),
        work_space(settings),
        on_change=lambda hears: consumer.call_soon(_hear_doorbells, consumer, hears),
    )
    _monitor.start()
    _reaper = Reaper(
        settings,
        db,
        celery,
        worker=name,
        hostname=socket.gethostname(),
        readiness=_monitor.readiness,
    )
    _reaper.start()


def _hear_doorbells(consumer: Any, hears: bool) -> None:
    """Let this worker hear doorbells, or leave them to others. In Celery's own loop only."""
    try:
        (consumer.add_task_queue if hears else consumer.cancel_task_queue)(QUEUE)
    except Exception as error:  # noqa: BLE001 - it is about to connect, and then does as it is told
        log.info("hears doorbells once connected", hears=hears, error=repr(error))


def signal_children_to_stop() -> None:
    """Let each child give its job back after the batch that it is on."""
    for child in active_children():
        os.kill(child.pid, STOP_SIGNAL)


def stop(worker: Any) -> None:
    """End what `start` began; `worker` is Celery's, whose exit status becomes 2 if a child found no
    model."""
    if _has_no_model:
        worker.exitcode = NO_MODEL_STATUS
    if _monitor is not None:
        _monitor.stop()
    if _reaper is not None:
        _reaper.stop()
    if _watchdog is not None:
        _watchdog.stop()
