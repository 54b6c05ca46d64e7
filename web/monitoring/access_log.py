"""A log line and a duration metric for every request."""

from __future__ import annotations

import time

import structlog
from flask import Flask, Response, g, request

from web.monitoring import metrics

log = structlog.stdlib.get_logger(__name__)

_QUIET = {"static", "health.healthz", "health.readyz", "health.metrics_text"}
"""Endpoints that machines poll every few seconds, so they are logged at DEBUG only."""


def log_requests(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    structlog.contextvars.clear_contextvars()
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    seconds = time.monotonic() - g.get("began", time.monotonic())
    endpoint = request.endpoint or "none"  # never the path: that would make a series for each job
    metrics.REQUEST_SECONDS.labels(request.method, endpoint, response.status_code).observe(seconds)
    write = log.debug if endpoint in _QUIET or response.status_code == 304 else log.info
    person = g.get("person")
    write(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round(seconds * 1000),
        client=request.remote_addr,
        **({"account": person.id} if person else {}),
    )
    return response
