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
from functools import cache, partial
from typing import NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs, traces
from shared.db import Database
from shared.errors import ModelUnavailable
from shared.logs import MODEL_LOADED, MODEL_UNAVAILABLE, configure_logging
from shared.python_gc import collect_as_usual
from shared.settings import Settings, load_settings
from shared.states import Obstacle
from shared.storage.configured import open_blob_store
from shared.storage.measured_space import work_space
from worker import main_process
from worker.batching.out_of_memory import BatchSizer
from worker.configured_recogniser import load_configured_encoder, load_configured_recogniser
from worker.main_process import NO_MODEL_SIGNAL, NO_MODEL_STATUS, STOP_SIGNAL
from worker.monitoring.counts import tally
from worker.pipeline.tools import Tools
from worker.pipeline.work_folders import remove_leftovers
from worker.supervision.device_failure_record import DeviceFailures
from worker.supervision.file_lock import GivenUp, file_lock
from worker.supervision.heartbeat import ShutdownRequested
from worker.supervision.liveness import Liveness, liveness_file
from worker.supervision.worker_files import (
    device_file,
    has_no_model,
    tell_child_state,
    tell_model,
    tell_no_model,
)

log = structlog.get_logger(__name__)

shutdown = threading.Event()
"""Set by the stop signal: give the job back after the batch that runs."""

start_took_s = 0.0
"""Seconds that this child took to be ready, without pauses."""

_PROCESS_STARTS_IN_S = 1.0
"""Python, its imports, and Celery's look at which child has ended."""

DEVICE_FAILED_STATUS = 3
"""Exit status of a child whose device failed."""

_MAIN_STOPS_WITHIN_S = 10.0
_POOL_CLOSES_WITHIN_S = 2.0
"""Celery's loop looks once a second whether it must stop, and then closes the pool."""

_tools: Tools | None = None


def tools() -> Tools:
    """Tools that this child keeps from job to job. Raises RuntimeError before `start`."""
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
    """Context in which the main process sees the progress of the attempt at `claim`."""
    settings = tools().settings
    return Liveness(
        liveness_file(settings.watch_dir, worker=worker_name(), pid=os.getpid()),
        job_id=claim.job_id,
        fence=claim.fence,
        stall_s=settings.stall_s,
    )


def device_failures(settings: Settings) -> DeviceFailures:
    """Failures of this worker's device, from the file that outlives its children."""
    return DeviceFailures(device_file(settings.resolved_health_dir, os.getppid()))


def end_with_its_device() -> NoReturn:
    """End this child; Celery starts another, whose context on the device is a fresh one."""
    traces.flush()
    os._exit(DEVICE_FAILED_STATUS)


def start() -> None:
    """Load the model, or end the whole worker with exit status 2.

    Celery only logs what a signal handler raises, and would hand jobs to a child without a model.
    """
    global _tools, start_took_s
    settings = load_settings()
    configure_logging(settings)
    traces.note_service(traces.WORKER)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # of a closed terminal: the main process passes on
    signal.signal(STOP_SIGNAL, lambda *_: shutdown.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP_SIGNAL})
    tally.keep_in(settings.resolved_health_dir, os.getppid())
    _tell(settings, Obstacle.STARTING)
    _wait_for_the_device(settings)
    began = time.monotonic()
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
    start_took_s = _PROCESS_STARTS_IN_S + time.monotonic() - began
    tell_model(
        settings.resolved_health_dir,
        os.getppid(),
        takes_hotwords=_tools.recogniser.accepts_hotwords,
    )
    collect_as_usual()
    _tell(settings, None)
    identity = _tools.recogniser.identity
    log.info(MODEL_LOADED, model=identity.name, device=identity.device, dtype=identity.dtype)


def _tell(settings: Settings, obstacle: Obstacle | None) -> None:
    tell_child_state(settings.resolved_health_dir, os.getppid(), obstacle)


def _wait_for_the_device(settings: Settings) -> None:
    """Wait as long as the device's failures of before advise."""
    pause_s = device_failures(settings).pause_s()
    if pause_s <= 0:
        return
    _tell(settings, Obstacle.DEVICE_FAILED)
    log.warning("the device failed; waits before it is tried again", pause_s=round(pause_s, 1))
    if shutdown.wait(pause_s):
        _exit_with_the_worker(0)
    _tell(settings, Obstacle.STARTING)


def _load_tools_or_end(settings: Settings) -> Tools:
    main_pid = os.getppid()
    if has_no_model(settings.resolved_health_dir, main_pid):
        # Another child has said why, and on a busy machine the main process starts more of them
        # before it hears that it has to end.
        _exit_with_the_worker(NO_MODEL_STATUS)
    try:
        return _load_tools(settings)
    except ModelUnavailable as error:
        log.critical(MODEL_UNAVAILABLE, message=error.message)
    except Exception:
        log.critical("the model could not be loaded", exc_info=True)
    _tell(settings, Obstacle.MODEL_UNAVAILABLE)
    tell_no_model(settings.resolved_health_dir, main_pid)
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
        speaker_encoder=cache(partial(load_configured_encoder, settings)),
    )
