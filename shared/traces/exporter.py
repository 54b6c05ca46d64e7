"""Spans as OpenTelemetry has them, sent to a collector over HTTP by a thread of this process.

The environment names the collector and all the rest, by OpenTelemetry's own variables.  Spans wait
in a queue of bounded length: where the collector is slow or gone, spans are dropped and nobody
waits.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from queue import SimpleQueue
from typing import Any, Literal

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Kind = Literal["server", "consumer", "client", "internal"]

Attributes = dict[str, Any]

_PREFIX = "longscribe."

_TRACE_ID = re.compile("[0-9a-f]{32}")
"""Id of a trace without a span; in the place of a parent, it means the trace alone."""


class _TraceIds(RandomIdGenerator):
    """The ids of traces that begin: the one that the thread asked for, else a random one."""

    def __init__(self) -> None:
        self._asked = threading.local()

    @contextmanager
    def being(self, trace_id: int) -> Iterator[None]:
        """Let a trace that begins inside have this id."""
        self._asked.trace_id = trace_id
        try:
            yield
        finally:
            del self._asked.trace_id

    def generate_trace_id(self) -> int:
        asked: int | None = getattr(self._asked, "trace_id", None)
        return asked or super().generate_trace_id()


class Exporter:
    """Exporter of this process's spans. `service` is its name, unless the environment has one."""

    def __init__(self, service: str) -> None:
        named = {} if _names_a_service() else {"service.name": service}
        # Its own end at exit waits for half a minute where the collector is down; see `flush`.
        self._trace_ids = _TraceIds()
        self._provider = TracerProvider(
            resource=Resource.create(named), id_generator=self._trace_ids, shutdown_on_exit=False
        )
        self._processor = BatchSpanProcessor(OTLPSpanExporter())
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("longscribe")
        self._asked: SimpleQueue[threading.Event] = SimpleQueue()
        # Begun now: what runs at the exit of Python 3.12 may begin no thread any more.
        threading.Thread(target=self._flush_when_asked, name="flush spans", daemon=True).start()

    def begin(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str | None,
        link: str | None,
        began_ns: int | None,
    ) -> ExportedSpan:
        """A span that is under way; `parent` and `link` are traceparents, `parent` perhaps the id
        of a trace alone, in which the span is then a root."""
        links = [Link(_span_context(link))] if link else []
        alone = _TRACE_ID.fullmatch(parent or "")
        with self._trace_ids.being(int(alone[0], 16)) if alone else nullcontext():
            return self._started(name, kind, parent, links, began_ns)

    def _started(
        self, name: str, kind: Kind, parent: str | None, links: list[Link], began_ns: int | None
    ) -> ExportedSpan:
        return ExportedSpan(
            self._tracer.start_span(
                name,
                context=_context(parent),
                kind=SpanKind[kind.upper()],
                links=links,
                start_time=began_ns,
                record_exception=False,  # messages may name files
                set_status_on_exception=False,
            )
        )

    def flush(self, within_s: float) -> None:
        """Send what waits, for `within_s` at most: what is not gone by then may be lost."""
        sent = threading.Event()
        self._asked.put(sent)
        sent.wait(within_s)

    def _flush_when_asked(self) -> None:
        while True:
            sent = self._asked.get()
            with suppress(Exception):
                self._processor.force_flush()
            sent.set()


class ExportedSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: Any) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """The span's context as W3C Trace Context writes it."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def note(self, attributes: Attributes) -> None:
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(name if "." in name else _PREFIX + name, value)

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self, ended_ns: int | None = None) -> None:
        self._span.end(ended_ns)


def _context(traceparent: str | None) -> Any:
    """The context of a parent. One that is no traceparent begins another trace."""
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent or ""})


def _span_context(traceparent: str) -> Any:
    return get_current_span(_context(traceparent)).get_span_context()


def _names_a_service() -> bool:
    attributes = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")
    return bool(os.environ.get("OTEL_SERVICE_NAME")) or any(
        one.strip().startswith("service.name=") for one in attributes
    )
