"""A child of a worker: it loads the model once and keeps it from job to job.

A worker has as many children as jobs run at once, each started afresh (spawn) by Celery's main
process (`worker.main_process`).  They share the device and nothing else: each claims, renews and
gives back a job of its own.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.errors import ModelUnavailable
from shared.logs import MODEL_LOADED, MODEL_UNAVAILABLE, configure_logging
from shared.settings import Settings, load_settings
from shared.storage.configured import open_blob_store
from shared.storage.space import work_space
from worker import main_process
from worker.batching.size import BatchSizer
from worker.configured_recogniser import load_configured_recogniser
from worker.main_process import NO_MODEL_SIGNAL, NO_MODEL_STATUS, STOP_SIGNAL
from worker.pipeline.tools import Tools
from worker.pipeline.work_folders import remove_leftovers
from worker.supervision.file_lock import GivenUp, file_lock
from worker.supervision.heartbeat import ShutdownRequested
from worker.supervision.liveness import Liveness, liveness_file

log = structlog.get_logger(__name__)

shutdown = threading.Event()
"""Set by the stop signal: give the job back after the batch that runs."""

_MAIN_STOPS_WITHIN_S = 10.0
_POOL_CLOSES_WITHIN_S = 2.0
"""Celery's loop looks once a second whether it must stop, and then closes the pool."""

_tools: Tools | None = None


def tools() -> Tools:
    """What this child keeps from job to job. Raises RuntimeError before `start`."""
    if _tools is None:
        raise RuntimeError("the model is loaded in the worker's child processes only")
    return _tools


def worker_name() -> str:
    """The name of the worker that this child belongs to."""
    return main_process.worker_name(os.getppid())


def stop_if_requested() -> None:
    """Raise ShutdownRequested once the worker has received a stop signal."""
    if shutdown.is_set():
        raise ShutdownRequested


def liveness(claim: jobs.Claim) -> Liveness:
    """What shows the main process the progress of the attempt at `claim`, while it is entered."""
    settings = tools().settings
    return Liveness(
        liveness_file(settings.watch_dir, worker=worker_name(), pid=os.getpid()),
        job_id=claim.job_id,
        fence=claim.fence,
        stall_s=settings.stall_s,
    )


def start() -> None:
    """Load the model, or end the whole worker with exit status 2.

    Celery only logs what a signal handler raises, and would hand jobs to a child without a model.
    """
    global _tools
    settings = load_settings()
    configure_logging(settings)
    signal.signal(STOP_SIGNAL, lambda *_: shutdown.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP_SIGNAL})
    try:
        # One child at a time: loading takes several times the memory that the model then needs, a
        # download is wanted once, and so is the measuring of the device, which the others read.
        with file_lock(settings.calibration_dir / ".lock", give_up=shutdown.is_set):
            _tools = _load_tools_or_end(settings)
    except GivenUp:
        _exit_with_the_worker(0)
    configure_logging(settings)  # FunASR's import rearranges the root logger
    try:
        remove_leftovers(settings.work_dir, _tools.db)
    except SQLAlchemyError as error:
        log.warning("work folders that crashes left stay for now", error=str(error))
    identity = _tools.recogniser.identity
    log.info(MODEL_LOADED, model=identity.name, device=identity.device, dtype=identity.dtype)


def _load_tools_or_end(settings: Settings) -> Tools:
    try:
        return _load_tools(settings)
    except ModelUnavailable as error:
        log.critical(MODEL_UNAVAILABLE, message=error.message)
    except Exception:
        log.critical("the model could not be loaded", exc_info=True)
    main_pid = os.getppid()
    os.kill(main_pid, NO_MODEL_SIGNAL)
    os.kill(main_pid, signal.SIGTERM)
    _exit_with_the_worker(NO_MODEL_STATUS)


def _exit_with_the_worker(status: int) -> NoReturn:
    """End this child once the main process starts no more of them: the next one would fail too."""
    shutdown.wait(_MAIN_STOPS_WITHIN_S)
    time.sleep(_POOL_CLOSES_WITHIN_S)
    os._exit(status)


def _load_tools(settings: Settings) -> Tools:
    recogniser = load_configured_recogniser(settings, calibrate=True)
    return Tools(
        settings=settings,
        db=Database(settings.resolved_database_url),
        blobs=open_blob_store(settings),
        work_space=work_space(settings),
        recogniser=recogniser,
        batch_sizer=BatchSizer(settings, recogniser),
    )
