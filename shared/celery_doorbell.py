"""Celery's settings, and the doorbell.

A message says only that there is work, so losing, repeating or delaying one costs time at the
most.  The promises rest on SQL; these settings keep Celery from getting in the way of them.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError

from shared.settings import Settings

_MODEL_LOAD_S = 3600.0
"""Longest time to load the model, download included."""

QUEUE = "longscribe"
"""Queue of doorbells of jobs that any worker may take."""

_QUEUE_OF_MODEL = f"{QUEUE}.model."
TRANSCRIBE_NEXT = "longscribe.transcribe_next"

_VISIBILITY_MARGIN_S = 24 * 3600
"""Seconds on top of the longest recording: even a device slower than real time is done by then."""

_RINGING_TIMEOUT_S = 0.7
"""Seconds of one exchange with Redis. Kombu makes up to three before it gives up, with its one
retry."""


_KEEPALIVE = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""Seconds and number of TCP's probes. Who waits for a doorbell says nothing, and so does not learn
by itself that Redis' machine is gone or that another is there in its place. The kernel's own values
are hours."""


_RECONNECT_PAUSE_S = 4.0
"""Most seconds between two tries. With Kombu's 30 s a worker would hear nothing for as long after
Redis is back."""


class _Connection(Connection):
    def ensure_connection(self, *args: Any, **values: Any) -> Any:
        values = {"interval_max": _RECONNECT_PAUSE_S} | values
        return super().ensure_connection(*args, **values)  # type: ignore[no-untyped-call]


class _Amqp(AMQP):  # type: ignore[misc]
    Connection = _Connection


def make_celery(settings: Settings) -> Celery:
    """The Celery application, the same for who rings and for who hears."""
    app = Celery("longscribe", broker=settings.resolved_redis_url, amqp=_Amqp)
    app.conf.update(celery_settings(settings))
    return app


def celery_settings(settings: Settings) -> dict[str, Any]:
    return {
        "task_default_queue": QUEUE,
        "task_serializer": "json",
        "accept_content": ["json"],  # never pickle: whoever reaches Redis would run code here
        "task_ignore_result": True,
        # Acknowledged when done, and prefetching nothing: a busy worker hoards no doorbell that
        # an idle one could hear.
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        # The sweep brings back the job of a dead child; a redelivered message could only loop.
        "task_reject_on_worker_lost": False,
        # Each child holds a model and runs one job. spawn, because CUDA does not survive a fork.
        "worker_pool": "prefork",
        "worker_concurrency": settings.worker_concurrency,
        "worker_pool_start_method": "spawn",
        # Celery kills a replacement for a dead child that is not ready in time, by default in 4 s,
        # and would do so for ever; a large model, or its download, takes longer.
        "worker_proc_alive_timeout": _MODEL_LOAD_S,
        "worker_soft_shutdown_timeout": settings.soft_shutdown_s,
        # A job outlives a restart of Redis; only its doorbell is lost.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # Redis hands a message out again after this time, so it must outlast any job.
            "visibility_timeout": int(settings.max_audio_s + _VISIBILITY_MARGIN_S),
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "socket_keepalive_options": _KEEPALIVE,
            "health_check_interval": 25,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
        },
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0.1,
            "interval_max": 0.2,
        },
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
    }


def make_ringing_celery(settings: Settings) -> Celery:
    """Make the web's Celery: a frozen Redis may cost a submission 3 seconds at the most."""
    app = make_celery(settings)
    options = dict(app.conf.broker_transport_options)
    options["socket_timeout"] = options["socket_connect_timeout"] = _RINGING_TIMEOUT_S
    app.conf.broker_transport_options = options
    return app


def queue_of(model: str | None) -> str:
    """Name of the queue for the doorbells of jobs that name `model`, which only its workers read:
    others would consume them. None: the queue of jobs that name no model."""
    if model is None:
        return QUEUE
    # What a folder may be called, Redis and Kombu need not bear.
    return _QUEUE_OF_MODEL + hashlib.sha256(model.encode()).hexdigest()[:16]


def is_queue_of_doorbells(name: str) -> bool:
    """Return whether a queue is one of those that `queue_of` names."""
    return name == QUEUE or name.startswith(_QUEUE_OF_MODEL)


def ring(app: Celery, job_id: str, model: str | None = None) -> bool:
    """Say that there is work; call it after the job's row is committed. `model` is the one that the
    job names.

    False if Redis did not take the message.  That loses nothing: a worker's next sweep finds
    the job and rings itself.
    """
    try:
        app.send_task(TRANSCRIBE_NEXT, args=[job_id], queue=queue_of(model))
    except (OperationalError, RedisError, OSError):
        return False
    return True


MINUTES_DOORBELL = "longscribe.minutes"
"""The list at which processes that write minutes wait."""

_KEPT_MINUTES_DOORBELLS = 20


def ring_for_minutes(app: Celery) -> bool:
    """Say that minutes were asked for, after their row is committed. False if Redis did not take
    the message, which costs time only."""
    try:
        with _redis(app) as client:
            client.rpush(MINUTES_DOORBELL, "")
            client.ltrim(MINUTES_DOORBELL, -_KEPT_MINUTES_DOORBELLS, -1)
    except (OperationalError, RedisError, OSError):
        return False
    return True


class MinutesDoorbell:
    """Hears `ring_for_minutes`, over one connection that is made anew when it breaks."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None

    def wait(self, seconds: float) -> bool:
        """Wait for a message, whole seconds; whether there was one. Raises RedisError, kombu's
        OperationalError or OSError where Redis does not answer."""
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_read()
                self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            client = self._connection.default_channel.client
            return client.blpop([MINUTES_DOORBELL], timeout=max(1, round(seconds))) is not None
        except (OperationalError, RedisError, OSError):
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OperationalError, RedisError, OSError):
                connection.release()


def waiting_doorbells(app: Celery, model: str | None = None) -> int:
    """Messages not yet heard of jobs that name `model`, or none. Those being worked on do not
    count: one stranded among them would hide a job that nobody was told of.

    Raises redis.exceptions.RedisError or kombu's OperationalError when Redis does not answer, or
    refuses messages.
    """
    with _redis(app) as client:
        try_to_push(client)
        return int(client.llen(queue_of(model)))


_NO_LIST = f"{QUEUE}.nothing"
"""A list that there never is."""


def try_to_push(client: Any) -> None:
    """Have Redis refuse what it would refuse a message with: no memory, no disk, no right. Changes
    nothing. Raises RedisError."""
    client.rpushx(_NO_LIST, "")  # which does nothing without the list


def redis_info(app: Celery) -> dict[str, Any]:
    """`facts_of` the Redis of the doorbells. Raises RedisError if it does not answer."""
    with _redis(app) as client:
        return facts_of(client)


def facts_of(client: Any) -> dict[str, Any]:
    """Facts that a Redis gives about itself: redis_version, role and so on, none where its user may
    not ask; and as `refusal` why it takes no message, '' if it does. Changes nothing. Raises
    RedisError if it does not answer."""
    try:
        facts = dict(client.info())
    except ResponseError:
        facts = {}
    facts["refusal"] = ""
    try:
        try_to_push(client)
    except ResponseError as error:
        facts["refusal"] = str(error)
    return facts


@contextmanager
def _redis(app: Celery) -> Iterator[Any]:
    """The client below a connection of Kombu's, so that every form of address is understood."""
    with app.connection_for_read() as connection:
        # Kombu would sleep for seconds between its tries, and our callers ask again anyway.
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        except OperationalError as error:
            if isinstance(error.__cause__, ResponseError):  # it answers, and refuses even a PING
                raise error.__cause__ from None
            raise
        yield connection.default_channel.client
