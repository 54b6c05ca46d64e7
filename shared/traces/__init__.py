"""Traces of jobs, for an operator who has a collector of OpenTelemetry.

A span is begun and ended where something is done to a job; `spans` has the calls, and costs nothing
unless the environment names a collector.  `exporter`, imported only then, is the one module that
knows OpenTelemetry.  docs/operations.md, "Traces", lists the spans.
"""

from shared.traces.spans import (
    WEB,
    WORKER,
    are_wanted,
    begin_request,
    endpoint,
    flush,
    leave,
    note_service,
    of_job,
    record,
    span,
    takes_callers_context,
    traceparent,
    trouble,
    within,
)

__all__ = [
    "WEB",
    "WORKER",
    "are_wanted",
    "begin_request",
    "endpoint",
    "flush",
    "leave",
    "note_service",
    "of_job",
    "record",
    "span",
    "takes_callers_context",
    "traceparent",
    "trouble",
    "within",
]
