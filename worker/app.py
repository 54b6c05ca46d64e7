"""Celery's entry point, `celery -A worker.app worker`: which of our functions runs when."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

from celery import signals
from celery.apps import worker as celery_worker

from shared import traces
from shared.celery_doorbell import make_celery
from shared.logs import configure_logging
from shared.private_files import take_umask
from shared.settings import Settings, load_settings
from shared.settings.environment import InvalidSettings
from worker import child_process, main_process
from worker.supervision.doorbell_filter import accept_doorbells_only


def _settings_or_exit() -> Settings:
    """Load the settings, or exit with one line where Celery would print a traceback."""
    try:
        return load_settings()
    except InvalidSettings as error:
        sys.exit(error.message)


_settings = _settings_or_exit()
take_umask(_settings)
configure_logging(_settings)
logging.captureWarnings(True)
accept_doorbells_only()
app = make_celery(_settings)
app.conf.task_queues = main_process.queues(_settings)
app.conf.include = ["worker.tasks"]


@signals.setup_logging.connect
def _logging(**_: Any) -> None:
    configure_logging(_settings)


@signals.celeryd_after_setup.connect
def _set_up(instance: Any, **_: Any) -> None:
    # With it a child writes lines of Celery's own format before its logs are configured.
    os.environ.pop("_MP_FORK_LOGLEVEL_", None)
    # Celery would wait for the job that runs, however long, and then fail to start again. Who is
    # told that the terminal is closed stops in order, unless nohup started it.
    celery_worker.install_worker_restart_handler = lambda _: None
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        celery_worker._shutdown_handler(instance, sig="SIGHUP")


@signals.celeryd_init.connect
def _command_line_read(instance: Any, options: dict[str, Any], **_: Any) -> None:
    # Celery's banner and last words would be the only lines that no program can read.
    if _settings.log_format == "json":
        instance.quiet = True
        celery_worker.safe_say = _say_as_json
    main_process.require_our_children(options)
    main_process.require_open_files()
    main_process.require_sandbox()
    main_process.before_children()


def _say_as_json(message: object, *_: object) -> None:
    """Write what Celery says in its signal handlers, in which no lock of a logger may be taken."""
    told = {
        "event": str(message).strip(),
        "logger": "celery",
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    with contextlib.suppress(OSError):
        os.write(2, f"{json.dumps(told)}\n".encode())


@signals.worker_process_init.connect
def _child_starts(**_: Any) -> None:
    child_process.start()


@signals.worker_process_shutdown.connect
def _child_ends(**_: Any) -> None:
    traces.flush()


@signals.worker_ready.connect
def _main_process_ready(sender: Any, **_: Any) -> None:
    main_process.start(app, sender)


@signals.worker_shutting_down.connect
def _stop_signal_received(**_: Any) -> None:
    main_process.signal_children_to_stop()


@signals.worker_shutdown.connect
def _main_process_ends(sender: Any, **_: Any) -> None:
    main_process.stop(sender)
