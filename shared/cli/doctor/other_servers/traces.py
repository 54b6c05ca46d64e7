"""Check whether traces are sent to the address of the environment, and whether a collector answers
there."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from shared import traces
from shared.cli.doctor.finding import Finding, ok, problem, warning

_WITHIN_S = 3.0


def check_traces() -> list[Finding]:
    """Check the collector of traces; no finding where none is named. Only host and port of its
    address are shown: the rest may hold a password."""
    if not traces.are_wanted():
        return []
    if why_not := traces.trouble():
        return [
            problem(
                "traces",
                f"none are sent: {why_not}",
                "See docs/operations.md, Traces, or take OTEL_EXPORTER_OTLP_ENDPOINT away.",
            )
        ]
    try:
        address = urlsplit(traces.endpoint())
        host = address.hostname or ""
        port = address.port or (443 if address.scheme == "https" else 80)
    except ValueError:
        host, port = "", 0
    if not host:
        what_to_do = "Name the collector with its scheme: http://collector:4318."
        return [problem("traces", "OTEL_EXPORTER_OTLP_ENDPOINT is no address", what_to_do)]
    try:
        socket.create_connection((host, port), timeout=_WITHIN_S).close()
    except OSError as error:
        return [
            warning(
                "traces",
                f"nobody answers at {host}:{port} ({error.strerror or error}): traces are lost, "
                "and jobs go on",
                "Start the collector, or let a firewall pass this machine to it.",
            )
        ]
    return [ok("traces", f"sent to {host}:{port}")]
