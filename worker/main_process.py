"""Celery's main process: it watches its children, sweeps, and passes stop signals on.

It never loads the model and never touches the device, so that nothing can hang here that hangs a
child (`worker.child_process`).
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from typing import Any

import structlog
from billiard import active_children
from celery.concurrency.prefork import TaskPool
from sqlalchemy.exc import SQLAlchemyError

from shared import traces
from shared.celery_doorbell import make_ringing_celery, queue_of, waiting_doorbells
from shared.db import Database
from shared.errors import ModelUnavailable
from shared.open_files import TooFewOpenFiles, allow_open_files
from shared.private_files import close_to_others
from shared.python_gc import collect_as_usual
from shared.settings import Settings, load_settings
from shared.states import Obstacle
from shared.storage.configured import open_blob_store
from shared.storage.measured_space import work_space
from shared.webhooks.channels import kinds_sent
from worker.audio.sandbox.check import why_unavailable
from worker.fetching.fetcher import Fetcher
from worker.model_store.parts import served_model
from worker.monitoring.counts import CountsOfWorker
from worker.monitoring.gpus import GpuWatch
from worker.supervision.health import Health, Pulse
from worker.supervision.health_server import HealthServer
from worker.supervision.monitor import Monitor
from worker.supervision.sweeper import Sweeper
from worker.supervision.watchdog import Watchdog, is_our_living_child, remove_stale_files
from worker.supervision.worker_files import child_states, forget_child, health_folder, remove_files
from worker.webhooks.delivery_threads import WebhookSender

log = structlog.get_logger(__name__)

STOP_SIGNAL = signal.SIGUSR2
"""Signal from the main process to a child. Celery uses SIGTERM, SIGQUIT and SIGUSR1 itself."""

NO_MODEL_SIGNAL = signal.SIGURG
"""Signal from a child to the main process, before SIGTERM. Without a handler it has no effect."""

NO_MODEL_STATUS = 2
"""Exit status of a worker, and of its child, that has no model to work with."""

_PULSE_S = 1.0
_OPEN_FILES = 1024
"""What a worker and each of its children may have open: thirty when idle, and some for each job."""

_has_no_model = False
_gpus: GpuWatch | None = None
_health_server: HealthServer | None = None
_monitor: Monitor | None = None
_sweeper: Sweeper | None = None
_fetcher: Fetcher | None = None
_sender: WebhookSender | None = None
_watchdog: Watchdog | None = None


def worker_name(main_pid: int) -> str:
    """The name of the worker with this main process: the same in all of its processes."""
    return f"{socket.gethostname()}:{main_pid}"


def served_model_name(settings: Settings) -> str:
    """Name by which jobs name this worker's model."""
    try:
        return served_model(settings)
    except ModelUnavailable:  # a child tells, and the worker ends
        return settings.model


def queues(settings: Settings) -> dict[str, dict[str, str]]:
    """Queues from which this worker reads doorbells, in Celery's form: of jobs for any worker, and
    of those for its model."""
    names = (queue_of(None), queue_of(served_model_name(settings)))
    return {name: {"exchange": name, "routing_key": name} for name in names}


def require_our_children(options: Mapping[str, Any]) -> None:
    """Refuse Celery's own options for the number and the kind of children.

    What each of them may take of the device follows from our setting, and only a process of its
    own, made anew, can be killed and use a GPU.  Raises SystemExit, which Celery lets through.
    """
    ours = load_settings().worker_concurrency
    if options.get("autoscale") or (options.get("concurrency") or ours) != ours:
        raise SystemExit(
            "Leave out --concurrency and --autoscale, and set LONGSCRIBE_WORKER_CONCURRENCY: the "
            "children of a worker divide the device's memory by it."
        )
    pool = options.get("pool") or TaskPool
    if pool is not TaskPool or (options.get("pool_start_method") or "spawn") != "spawn":
        raise SystemExit(
            "Leave out --pool and --pool-start-method: a job runs in a process of its own, which "
            "Celery's pool prefork starts by spawn."
        )


def require_open_files() -> None:
    """Refuse to start where next to no files may be opened. Raises SystemExit."""
    try:
        allow_open_files(_OPEN_FILES)
    except TooFewOpenFiles as error:
        raise SystemExit(error.message) from None


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
    try:
        health_folder(settings.resolved_health_dir)
    except OSError as error:
        raise SystemExit(f"The folder for the worker's health cannot be used: {error}") from None
    remove_files(settings.resolved_health_dir, os.getpid())
    signal.pthread_sigmask(signal.SIG_BLOCK, {STOP_SIGNAL})
    signal.signal(NO_MODEL_SIGNAL, _note_that_no_model_loads)


def _note_that_no_model_loads(*_: object) -> None:
    global _has_no_model
    _has_no_model = True


def start(celery: Any, consumer: Any) -> None:
    """Sweep, watch, monitor and tell how the worker is from now on; `consumer` is Celery's, which
    hears doorbells."""
    global _fetcher, _gpus, _health_server, _monitor, _sweeper, _sender, _watchdog
    settings = load_settings()
    traces.note_service(traces.WORKER)
    db = Database(settings.resolved_database_url)
    name = worker_name(os.getpid())
    _watchdog = Watchdog(settings, db, worker=name)
    _watchdog.start()
    pulse = Pulse()
    consumer.timer.call_repeatedly(_PULSE_S, pulse.beat)
    ringing = make_ringing_celery(settings)  # which waits for Redis in tenths of a second
    monitor = Monitor(
        settings,
        db,
        open_blob_store(settings),
        work_space(settings),
        find_child_obstacle=lambda: _child_obstacle(settings),
        ping_redis=lambda: waiting_doorbells(ringing),
        on_look=lambda has_changed: _tell_of_look(has_changed, server, sweeper),
    )
    gpus = GpuWatch()
    sweeper = Sweeper(
        settings,
        db,
        celery,
        worker=name,
        hostname=socket.gethostname(),
        model_name=served_model_name(settings),
        readiness=monitor.readiness,
        gpus=gpus.gpus,
    )
    health = Health(
        name,
        readiness=monitor.readiness,
        living_children=lambda: _living_children(settings),
        threads={"sweeper": sweeper.lives, "monitor": monitor.lives, "watchdog": _watchdog.lives},
        pulse=pulse,
        counts=CountsOfWorker(settings.resolved_health_dir, os.getpid(), lives=is_our_living_child),
        gpus=gpus.gpus,
    )
    server = HealthServer(settings, health)
    # On Celery's own thread, which goes on where the monitor waits for a storage without an answer.
    consumer.timer.call_repeatedly(_PULSE_S, _Hearing(consumer, monitor, server).follow)
    if settings.device != "cpu":
        gpus.start()
    sweeper.start()
    monitor.start()
    server.start()
    _gpus, _monitor, _sweeper, _health_server = gpus, monitor, sweeper, server
    if kinds_sent(settings):
        _sender = WebhookSender(settings, db)
        _sender.start()
    if settings.url_input == "on":
        _fetcher = Fetcher(settings, db, open_blob_store(settings), celery)
        _fetcher.start()
    collect_as_usual()


def _tell_of_look(has_changed: bool, server: HealthServer, sweeper: Sweeper) -> None:
    server.write_file()
    if has_changed:
        sweeper.sweep_soon()


def _living_children(settings: Settings) -> dict[int, Obstacle | None]:
    """State of each living child, by its process id."""
    folder, main_pid = settings.resolved_health_dir, os.getpid()
    told = child_states(folder, main_pid)
    living = {pid: said for pid, said in told.items() if is_our_living_child(pid)}
    for pid in told.keys() - living.keys():
        forget_child(folder, main_pid, pid)
    return living


def _child_obstacle(settings: Settings) -> Obstacle | None:
    """Obstacle that keeps all children from work; None if one could."""
    said = set(_living_children(settings).values())
    if None in said:
        return None
    for worst in (Obstacle.MODEL_UNAVAILABLE, Obstacle.DEVICE_FAILED):
        if worst in said:
            return worst
    return Obstacle.STARTING


class _Hearing:
    """Switch by which this worker reads doorbells, or leaves them to others. In Celery's own loop
    only."""

    def __init__(self, consumer: Any, monitor: Monitor, server: HealthServer) -> None:
        self._consumer = consumer
        self._monitor = monitor
        self._server = server
        self._hears = True

    def follow(self) -> None:
        """Do as the monitor found, and tell in its place while it finds nothing."""
        hears = not self._monitor.readiness().leaves_the_queue_alone
        if hears is not self._hears:
            self._hears = hears
            self._hear_or_not()
        if self._monitor.is_silent():
            self._server.write_file()

    def _hear_or_not(self) -> None:
        consumer = self._consumer
        change = consumer.add_task_queue if self._hears else consumer.cancel_task_queue
        try:
            for name in queues(load_settings()):
                change(name)
        except Exception as error:  # noqa: BLE001 - it connects soon, and then does as it is told
            log.info("hears doorbells once connected", hears=self._hears, error=repr(error))


def signal_children_to_stop() -> None:
    """Let each child give its job back after the batch that it is on."""
    for child in active_children():
        os.kill(child.pid, STOP_SIGNAL)


def stop(worker: Any) -> None:
    """End what `start` began; `worker` is Celery's, whose exit status becomes 2 if a child found no
    model."""
    if _has_no_model:
        worker.exitcode = NO_MODEL_STATUS
    if _health_server is not None:
        _health_server.stop()
    if _sender is not None:
        _sender.stop()
    if _fetcher is not None:
        _fetcher.stop()
    if _monitor is not None:
        _monitor.stop()
    if _sweeper is not None:
        _sweeper.stop()
        if _has_no_model:
            try:
                _sweeper.record_obstacles(Obstacle.MODEL_UNAVAILABLE)
            except SQLAlchemyError as error:
                log.warning("the worker's row does not say that it had no model", error=str(error))
    if _watchdog is not None:
        _watchdog.stop()
    if _gpus is not None:
        _gpus.stop()
    traces.flush()
    remove_files(load_settings().resolved_health_dir, os.getpid())
