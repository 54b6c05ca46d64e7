"""gunicorn's configuration: `gunicorn -c python:web.gunicorn_settings 'web.app:create_app()'`.

The names below are gunicorn's own.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from shared.logs import configure_logging
from shared.settings import load_settings

_settings = load_settings()


class StructuredLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines, through the same formatter as everything else."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure_logging(_settings)
        error_log = logging.getLogger("gunicorn.error")
        error_log.handlers = []
        error_log.propagate = True


_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.web_workers
# Threads: while a sync worker receives a slow upload it answers nobody, and is killed after 30 s.
worker_class = "gthread"
threads = _settings.web_threads
# Of the main loop, not of a request: an upload may take an hour.
timeout = 60
graceful_timeout = 30
keepalive = 15
loglevel = _settings.log_level.lower()
logger_class = StructuredLogger
accesslog = None  # web.access_log writes one line a request
control_socket_disable = True
# The heartbeat file; on a disk a busy fsync can stop it for longer than the timeout.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None

_metrics_dir = _settings.data_dir.resolve() / "metrics"

if workers > 1:
    # Set before anything imports prometheus_client, which looks at it once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir)


def on_starting(server: Any) -> None:
    """Forget the counters of an earlier run, whose processes are gone."""
    if workers > 1:
        shutil.rmtree(_metrics_dir, ignore_errors=True)
        _metrics_dir.mkdir(parents=True)


def child_exit(server: Any, worker: Any) -> None:
    if workers > 1:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
