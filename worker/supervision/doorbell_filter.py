"""Filters what Redis hands to a worker before Celery sees it: all but doorbells is dropped.

A doorbell is a message that says only that there is work (`shared.celery_doorbell`). Celery
survives most wrong messages, but one that is not JSON, or lacks a delivery tag, ends its main
process. A message that may not be a doorbell can be dropped: if a job waits, the next sweep rings
for it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis, virtual
from redis.exceptions import RedisError, ResponseError

from shared.celery_doorbell import TRANSCRIBE_NEXT, is_queue_of_doorbells, try_to_push

log = structlog.get_logger(__name__)

_LONGEST_BODY = 64 * 1024
"""Characters; a doorbell has some 400."""


def is_doorbell(item: object) -> bool:
    """Return whether `item`, as read from JSON, calls our one task and can be acknowledged."""
    match item:
        case {
            "body": str(body),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": str(task), "id": str()},
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
                "body_encoding": "base64",
            },
        } if task == TRANSCRIBE_NEXT and len(body) <= _LONGEST_BODY:
            return _calls_with_arguments(body)
    return False


def _calls_with_arguments(body: str) -> bool:
    try:
        call = json.loads(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return False
    match call:
        case [[*_], dict(), dict()]:
            return True
    return False


class _UnacknowledgedDoorbells(redis.QoS):
    """Kombu's account of messages that nobody has acknowledged yet.

    One that Redis did not let go of would count here until the next connection, and the worker hear
    no other meanwhile. Redis hands it out again, which costs a look at the queue.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            log.warning("Redis refuses to put a doorbell away", error=str(error)[:200])
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


class _Channel(redis.Channel):
    """Kombu's channel, which drops what cannot be read as a message, and is not opened while Redis
    takes none."""

    QoS = _UnacknowledgedDoorbells

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)  # type: ignore[no-untyped-call]
        try:
            try_to_push(self.client)
        except RedisError:
            self._disconnect_pools()  # type: ignore[no-untyped-call]
            raise

    def _brpop_read(self, **options: Any) -> bool | None:
        try:
            received: bool | None = super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:
            # It is out of the list already, and was not yet delivered.
            log.error("not a message; dropped", error=str(error)[:200])
            return True
        return received


class DoorbellTransport(redis.Transport):
    """Kombu's transport for Redis, which delivers from our queues only what is a doorbell.

    A Redis that refuses a command (its disk or its memory is full, it became a replica, it is busy
    with a script) is one that cannot be reached just now: Celery connects anew until it can. By
    itself it would end the worker.
    """

    Channel = _Channel
    connection_errors = (*redis.Transport.connection_errors, ResponseError)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)  # type: ignore[no-untyped-call]
        self.connection_errors = type(self).connection_errors

    def _deliver(self, message: Any, queue: str) -> None:
        if is_queue_of_doorbells(queue) and not is_doorbell(message):
            log.error("not a doorbell; dropped", message=repr(message)[:200])
            return
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def accept_doorbells_only() -> None:
    """Filter whatever connects to Redis in this process from now on."""
    here = f"{DoorbellTransport.__module__}:{DoorbellTransport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=here, rediss=here)
