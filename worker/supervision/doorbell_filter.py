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
from kombu.transport import TRANSPORT_ALIASES, redis

from shared.celery_doorbell import TRANSCRIBE_NEXT, is_queue_of_doorbells

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


class _Channel(redis.Channel):
    """Kombu's channel, which drops what cannot be read as a message."""

    def _brpop_read(self, **options: Any) -> bool | None:
        try:
            received: bool | None = super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:
            # It is out of the list already, and was not yet delivered.
            log.error("not a message; dropped", error=str(error)[:200])
            return True
        return received


class DoorbellTransport(redis.Transport):
    """Kombu's transport for Redis, which delivers from our queues only what is a doorbell."""

    Channel = _Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_queue_of_doorbells(queue) and not is_doorbell(message):
            log.error("not a doorbell; dropped", message=repr(message)[:200])
            return
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def accept_doorbells_only() -> None:
    """Filter whatever connects to Redis in this process from now on."""
    here = f"{DoorbellTransport.__module__}:{DoorbellTransport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=here, rediss=here)
