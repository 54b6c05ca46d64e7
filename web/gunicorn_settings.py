"""gunicorn's configuration: `gunicorn -c python:web.gunicorn_settings 'web.app:create_app()'`.

The names below are gunicorn's own.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from shared.logs import configure_logging
from shared.open_files import LEAST_OPEN_FILES, TooFewOpenFiles, allow_open_files
from shared.private_files import close_to_others, take_umask
from shared.python_gc import collect_as_usual
from shared.settings import Settings, is_loopback, load_settings
from shared.settings.environment import InvalidSettings
from web.authentication.first_run import announce_set_up

log = structlog.stdlib.get_logger(__name__)


def _settings_or_exit() -> Settings:
    """Load the settings, or exit with one line where gunicorn would print a traceback."""
    try:
        return load_settings()
    except InvalidSettings as error:
        sys.exit(error.message)


_settings = _settings_or_exit()
take_umask(_settings)


class StructuredLogger(Logger):  # type: ignore[misc]
    """Writes gunicorn's log lines in the format of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure_logging(_settings)
        error_log = logging.getLogger("gunicorn.error")
        error_log.handlers = []
        error_log.propagate = True


_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.web_workers
worker_class = "web.serving.connection_loop.PatientWorker"
threads = _settings.web_threads
# Of the main loop, not of a request: an upload may take an hour.
timeout = 60
graceful_timeout = 30
keepalive = 15
# A thousand clients that poll keep theirs open. Each takes a file, and some hosts allow 4,096.
worker_connections = 2000
# Bytes, its most: so that what is wrong with a long query is told by the application, in JSON.
limit_request_line = 8190
loglevel = _settings.log_level.lower()
logger_class = StructuredLogger
accesslog = None  # web.monitoring.access_log writes one line a request
control_socket_disable = True
umask = _settings.umask_bits  # else gunicorn's own sockets are everybody's
# The heartbeat file; on a disk a busy fsync can stop it for longer than the timeout.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None

_metrics_dir = _settings.data_dir.resolve() / "metrics"

if workers > 1:
    # Set before anything imports prometheus_client, which looks at it once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir)


def on_starting(server: Any) -> None:
    """Refuse to listen beyond this machine without sign-in, to speak TLS, or where next to no files
    may be opened; delete counters of an earlier run."""
    try:
        allow_open_files(LEAST_OPEN_FILES)
    except TooFewOpenFiles as error:
        sys.exit(error.message)
    if server.cfg.is_ssl:
        sys.exit("This server speaks no TLS: put a proxy in front of it that does.")
    if not _settings.requires_sign_in:
        for address in server.address:  # as --bind or GUNICORN_CMD_ARGS may have changed it
            if isinstance(address, tuple) and not is_loopback(address[0]):
                sys.exit(
                    f"Others can reach {address[0]}, and LONGSCRIBE_SIGN_IN is off: everybody "
                    "could read and delete every recording. Set LONGSCRIBE_SIGN_IN=required."
                )
    if workers > 1:
        shutil.rmtree(_metrics_dir, ignore_errors=True)
        _metrics_dir.mkdir(parents=True)


def when_ready(server: Any) -> None:
    if closed := close_to_others(_settings):
        log.warning("others could read these; they are private now", paths=[*map(str, closed)])
    announce_set_up(_settings)


def post_worker_init(worker: Any) -> None:
    """Take a new storage into use at the first start, so that workers see one before any upload."""
    from sqlalchemy.exc import SQLAlchemyError

    from web.services import services

    def look() -> None:
        with worker.wsgi.app_context(), suppress(SQLAlchemyError, OSError):
            services().check_storage()

    # On a thread of its own, for a storage on a network may never answer.
    threading.Thread(target=look, daemon=True).start()
    collect_as_usual()


def child_exit(server: Any, worker: Any) -> None:
    if workers > 1:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
