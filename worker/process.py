"""What a worker's processes hold: the child its model and database, the parent its reaper.

Celery's main process never loads the model and never touches CUDA; its single child, started
afresh (spawn), does both and keeps them from job to job.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any

import structlog
from billiard import active_children

from shared.blobs import BlobStore
from shared.db import Database
from shared.errors import ModelUnavailable
from shared.logs import configure_logging
from shared.settings import Settings, load_settings
from worker.batch_sizer import BatchSizer
from worker.configured import load_configured_recogniser
from worker.pipeline import Tools
from worker.reaper import Reaper
from worker.workdir import sweep

log = structlog.get_logger(__name__)

shutdown = threading.Event()
"""Set in the child when the worker is told to stop: give the job back at the next batch."""

_STOP_SIGNAL = signal.SIGUSR2
"""From parent to child. Celery uses SIGTERM, SIGQUIT and SIGUSR1 itself."""

_tools: Tools | None = None
_reaper: Reaper | None = None


def tools() -> Tools:
    """The loaded model and its company; only in the child."""
    if _tools is None:
        raise RuntimeError("the model is loaded in the worker's child process only")
    return _tools


def worker_name() -> str:
    """Host and main process: the same in parent and child."""
    pid = os.getppid() if _tools is not None else os.getpid()
    return f"{socket.gethostname()}:{pid}"


def start_child() -> None:
    """Load the model, or end the whole worker.

    Celery only logs what a signal handler raises, and would hand jobs to a child without a model.
    """
    global _tools
    settings = load_settings()
    configure_logging(settings)
    signal.signal(_STOP_SIGNAL, lambda *_: shutdown.set())
    try:
        _tools = _load_tools(settings)
    except ModelUnavailable as error:
        log.critical("model unavailable", message=error.message)
    except Exception:
        log.critical("the model could not be loaded", exc_info=True)
    if _tools is None:
        os.kill(os.getppid(), signal.SIGTERM)
        os._exit(1)
    configure_logging(settings)  # FunASR's import rearranges the root logger
    sweep(settings.work_dir, _tools.db)
    identity = _tools.recogniser.identity
    log.info("model loaded", model=identity.name, device=identity.device, dtype=identity.dtype)


def _load_tools(settings: Settings) -> Tools:
    recogniser = load_configured_recogniser(settings, calibrate=True)
    return Tools(
        settings=settings,
        db=Database(settings.resolved_database_url),
        blobs=BlobStore(settings.recordings_dir, min_free_bytes=settings.min_free_bytes),
        recogniser=recogniser,
        batch_sizer=BatchSizer(settings, recogniser),
    )


def start_parent(celery: Any) -> None:
    """Sweep from now on."""
    global _reaper
    settings = load_settings()
    _reaper = Reaper(
        settings,
        Database(settings.resolved_database_url),
        celery,
        worker=worker_name(),
        hostname=socket.gethostname(),
    )
    _reaper.start()


def stopping() -> None:
    """The worker was told to stop: tell the child."""
    for child in active_children():
        os.kill(child.pid, _STOP_SIGNAL)


def stop_parent() -> None:
    if _reaper is not None:
        _reaper.stop()
