"""Celery's entry point: `celery -A worker.app worker`."""

from __future__ import annotations

from typing import Any

from celery import signals

from shared.logs import configure_logging
from shared.queue import make_celery
from shared.settings import load_settings
from worker import process
from worker.supervision.doorbells import hear_doorbells_only

hear_doorbells_only()
app = make_celery(load_settings())
app.conf.include = ["worker.tasks"]


@signals.setup_logging.connect
def _logging(**_: Any) -> None:
    configure_logging(load_settings())


@signals.celeryd_init.connect
def _command_line_read(options: dict[str, Any], **_: Any) -> None:
    process.require_our_concurrency(options.get("concurrency"), options.get("autoscale"))
    process.before_children()


@signals.worker_process_init.connect
def _child_starts(**_: Any) -> None:
    process.start_child()


@signals.worker_ready.connect
def _parent_ready(**_: Any) -> None:
    process.start_parent(app)


@signals.worker_shutting_down.connect
def _told_to_stop(**_: Any) -> None:
    process.stopping()


@signals.worker_shutdown.connect
def _parent_ends(sender: Any, **_: Any) -> None:
    process.stop_parent(sender)
