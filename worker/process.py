"""What a worker's processes hold: each child its model and database, the parent its reaper.

Celery's main process never loads the model and never touches CUDA.  Its children, as many as jobs
run at once, each started afresh (spawn), do both and keep them from job to job.  They share the
device and nothing else: each claims, renews and gives back a job of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import Any, NoReturn

import structlog
from billiard import active_children
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.errors import ModelUnavailable
from shared.logs import MODEL_LOADED, MODEL_UNAVAILABLE, configure_logging
from shared.settings import Settings, load_settings
from shared.storage.blobs import BlobStore
from worker.batching.size import BatchSizer
from worker.configured_recogniser import load_configured_recogniser
from worker.pipeline.tools import Tools
from worker.pipeline.work_folders import remove_leftovers
from worker.supervision.file_lock import GivenUp, file_lock
from worker.supervision.heartbeat import ShutdownRequested
from worker.supervision.liveness import Liveness, liveness_file
from worker.supervision.reaper import Reaper
from worker.supervision.watchdog import Watchdog, remove_stale_files

log = structlog.get_logger(__name__)

shutdown = threading.Event()
"""Set in a child when the worker is told to stop: give the job back at the next batch."""

_STOP_SIGNAL = signal.SIGUSR2
"""From parent to child. Celery uses SIGTERM, SIGQUIT and SIGUSR1 itself."""

_NO_MODEL_SIGNAL = signal.SIGURG
"""From child to parent, before it is told to end. Without a handler it would do no harm."""

NO_MODEL_STATUS = 2
"""Exit status of a worker, and of its child, that has no model to work with."""

_PARENT_STOPS_WITHIN_S = 10.0
_POOL_CLOSES_WITHIN_S = 2.0
"""Celery's loop looks once a second whether it was told to stop, and then closes the pool."""

_tools: Tools | None = None
_has_no_model = False  # in the parent
_reaper: Reaper | None = None
_watchdog: Watchdog | None = None


def tools() -> Tools:
    """The loaded model and its company; only in a child."""
    if _tools is None:
        raise RuntimeError("the model is loaded in the worker's child processes only")
    return _tools


def worker_name() -> str:
    """Host and main process: the same in parent and children."""
    pid = os.getppid() if _tools is not None else os.getpid()
    return f"{socket.gethostname()}:{pid}"


def stop_if_requested() -> None:
    """Raises ShutdownRequested once the worker has received a stop signal."""
    if shutdown.is_set():
        raise ShutdownRequested


def liveness(claim: jobs.Claim) -> Liveness:
    """Shows the main process the progress of the attempt at `claim`, while it is entered."""
    settings = tools().settings
    return Liveness(
        liveness_file(settings.watch_dir, worker=worker_name(), pid=os.getpid()),
        job_id=claim.job_id,
        fence=claim.fence,
        stall_s=settings.stall_s,
    )


def before_children() -> None:
    """Prepare the signals between parent and children.

    A child that is told to stop before it can listen would die of the signal.  Blocked, which
    children inherit, it waits for them.
    """
    remove_stale_files(load_settings().watch_dir, worker=worker_name())
    signal.pthread_sigmask(signal.SIG_BLOCK, {_STOP_SIGNAL})
    signal.signal(_NO_MODEL_SIGNAL, _note_that_no_model_loads)


def _note_that_no_model_loads(*_: object) -> None:
    global _has_no_model
    _has_no_model = True


def start_child() -> None:
    """Load the model, or end the whole worker with exit status 2.

    Celery only logs what a signal handler raises, and would hand jobs to a child without a model.
    """
    global _tools
    settings = load_settings()
    configure_logging(settings)
    signal.signal(_STOP_SIGNAL, lambda *_: shutdown.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {_STOP_SIGNAL})
    try:
        # One child at a time: loading takes several times the memory that the model then needs, a
        # download is wanted once, and so is the measuring of the device, which the others read.
        with file_lock(settings.calibration_dir / ".lock", give_up=shutdown.is_set):
            _tools = _load_tools_or_end(settings)
    except GivenUp:
        _leave_with_the_parent(0)
    configure_logging(settings)  # FunASR's import rearranges the root logger
    try:
        remove_leftovers(settings.work_dir, _tools.db)
    except SQLAlchemyError as error:
        log.warning("what crashes left stays for now", error=str(error))
    identity = _tools.recogniser.identity
    log.info(MODEL_LOADED, model=identity.name, device=identity.device, dtype=identity.dtype)


def _load_tools_or_end(settings: Settings) -> Tools:
    try:
        return _load_tools(settings)
    except ModelUnavailable as error:
        log.critical(MODEL_UNAVAILABLE, message=error.message)
    except Exception:
        log.critical("the model could not be loaded", exc_info=True)
    parent = os.getppid()
    os.kill(parent, _NO_MODEL_SIGNAL)
    os.kill(parent, signal.SIGTERM)
    _leave_with_the_parent(NO_MODEL_STATUS)


def _leave_with_the_parent(status: int) -> NoReturn:
    """End this child once the parent replaces it no more: the next one would fail as this did."""
    shutdown.wait(_PARENT_STOPS_WITHIN_S)
    time.sleep(_POOL_CLOSES_WITHIN_S)
    os._exit(status)


def _load_tools(settings: Settings) -> Tools:
    recogniser = load_configured_recogniser(settings, calibrate=True)
    return Tools(
        settings=settings,
        db=Database(settings.resolved_database_url),
        blobs=BlobStore(settings.recordings_dir, min_free_bytes=settings.min_free_bytes),
        recogniser=recogniser,
        batch_sizer=BatchSizer(settings, recogniser),
    )


def require_our_concurrency(concurrency: int | None, autoscale: object) -> None:
    """Refuse Celery's own options for the number of children, for what each of them may take of
    the device follows from the setting.  Raises SystemExit, which Celery lets through."""
    ours = load_settings().worker_concurrency
    if autoscale or (concurrency or ours) != ours:
        raise SystemExit(
            "Leave out --concurrency and --autoscale, and set LONGSCRIBE_WORKER_CONCURRENCY: the "
            "children of a worker divide the device's memory by it."
        )


def start_parent(celery: Any) -> None:
    """Sweep and watch from now on."""
    global _reaper, _watchdog
    settings = load_settings()
    db = Database(settings.resolved_database_url)
    _watchdog = Watchdog(settings, db, worker=worker_name())
    _watchdog.start()
    _reaper = Reaper(
        settings,
        db,
        celery,
        worker=worker_name(),
        hostname=socket.gethostname(),
    )
    _reaper.start()


def stopping() -> None:
    """The worker was told to stop: tell its children."""
    for child in active_children():
        os.kill(child.pid, _STOP_SIGNAL)


def stop_parent(worker: Any) -> None:
    """End what `start_parent` began; `worker` is Celery's, whose exit status becomes 2 if a child
    found no model."""
    if _has_no_model:
        worker.exitcode = NO_MODEL_STATUS
    if _reaper is not None:
        _reaper.stop()
    if _watchdog is not None:
        _watchdog.stop()
