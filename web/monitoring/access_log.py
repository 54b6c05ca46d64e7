"""A log line and a duration metric for every request."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.wsgi import get_path_info

from web.monitoring import metrics
from web.waiting import BEGAN, POSTPONED

log = structlog.stdlib.get_logger(__name__)

REQUEST_ID = "X-Request-ID"

_QUIET = {"static", "health.healthz", "health.readyz", "health.metrics_text"}
"""Endpoints that machines poll every few seconds, so they are logged at DEBUG only."""

_LINK = re.compile(r"^/s/[^/]+")
"""The beginning of the address of a link: its token would open it to whoever reads the log."""


def log_requests(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def number_request() -> str:
    """Give a request the number that all its lines of the log and its answer have."""
    request_id = str(uuid.uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def _begin() -> None:
    g.request_id = number_request()
    g.began = request.environ.get(BEGAN, time.monotonic())
    g.goes_on = POSTPONED in request.environ


def _end(response: Response) -> Response:
    if POSTPONED in request.environ and not g.get("goes_on"):
        return response  # the answer is still to come
    response.headers[REQUEST_ID] = g.get("request_id", "")
    person = g.get("person")
    note_request(
        request.environ,
        endpoint=request.endpoint or "none",
        status=response.status_code,
        seconds=time.monotonic() - g.get("began", time.monotonic()),
        account=person.id if person else None,
    )
    return response


def note_request(
    environ: dict[str, Any], *, endpoint: str, status: int, seconds: float, account: str | None
) -> None:
    """Count a request that was answered, and log it."""
    # The endpoint and never the path: that would make a series for each job.
    metrics.REQUEST_SECONDS.labels(environ["REQUEST_METHOD"], endpoint, status).observe(seconds)
    write = log.debug if endpoint in _QUIET or status == 304 else log.info
    write(
        "request",
        method=environ["REQUEST_METHOD"],
        path=_LINK.sub("/s/…", get_path_info(environ)),
        status=status,
        ms=round(seconds * 1000),
        client=environ.get("REMOTE_ADDR"),
        **({"account": account} if account else {}),
    )
