"""The requests that a recording came in by, and the files made of its transcript, as spans."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, request

from shared import jobs, traces
from web.services import services


def trace_requests(app: Flask) -> None:
    """Let requests become spans, if the environment names a collector."""
    if not traces.are_wanted():
        return
    traces.note_service(traces.WEB)
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)
    atexit.register(traces.flush)


@contextmanager
def exporting(job_id: str, format_name: str) -> Iterator[None]:
    """Note what is done inside as an export in the job's trace, beside that of who asks for it."""
    if not traces.are_wanted():
        yield
        return
    parent = jobs.get_traceparent(services().db, job_id)
    if parent is None:
        yield
        return
    with traces.span("export", parent=parent, link=_caller(), job_id=job_id, format=format_name):
        yield


def _caller() -> str | None:
    return request.headers.get("traceparent") if traces.takes_callers_context() else None


def _begin() -> None:
    g.traced_status = None
    # The route and never the path, which may be a secret; the method is one that there is.
    traces.begin_request(f"{request.method} {request.url_rule or ''}".strip(), _caller())


def _answered(response: Response) -> Response:
    g.traced_status = response.status_code
    return response


def _end(error: BaseException | None = None) -> None:
    traces.leave(g.get("traced_status"))
