"""Server-sent events: answers that tell what happens while it happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response

from web.waiting.wait_for_changes import Wait

SIGN_OF_LIFE_S = 15.0
"""Seconds after which something is sent though there is nothing new: proxies and clients end what
is silent."""

NOTHING = b": nothing new\n\n"
"""A comment, which clients ignore."""


def event(value: dict[str, Any], *, name: str | None = None, id: str | None = None) -> bytes:
    """Write one event with JSON as its data."""
    fields = {"id": id, "event": name, "data": json.dumps(value, ensure_ascii=False)}
    lines = [f"{field}: {text}\n" for field, text in fields.items() if text is not None]
    return "".join([*lines, "\n"]).encode()


def event_stream(events: Iterator[bytes], wait: Wait) -> Response:
    """Answer with events, which no proxy keeps back and nobody stores; the place of `wait` is given
    back with their end."""
    answer = Response(events, content_type="text/event-stream; charset=utf-8")
    answer.call_on_close(wait.leave)  # a HEAD never begins with them
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
