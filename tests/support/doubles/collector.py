"""A collector of OpenTelemetry on loopback: takes spans over OTLP/HTTP, or fails as told.

It needs the package opentelemetry-proto, which comes with longscribe[traces].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.doubles.receiver import Receiver, answering, receiver


@dataclass(frozen=True)
class CollectedSpan:
    """A span as it came."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    linked_traces: tuple[str, ...]
    began_ns: int
    ended_ns: int
    failed: bool
    attributes: dict[str, Any] = field(hash=False)


@dataclass
class Collector:
    """Traces that came to a receiver."""

    receiver: Receiver

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"

    @property
    def bodies(self) -> list[bytes]:
        return [came.body for came in self.receiver.received]

    def spans(self) -> list[CollectedSpan]:
        """Spans received by now, sorted by their begin."""
        found: list[CollectedSpan] = []
        for came in list(self.receiver.received):
            assert came.path == "/v1/traces"
            headers = {name.lower(): value for name, value in came.headers.items()}
            assert headers["content-type"] == "application/x-protobuf"
            found += _decoded(came.body)
        return sorted(found, key=lambda span: span.began_ns)

    def named(self, name: str) -> list[CollectedSpan]:
        return [span for span in self.spans() if span.name == name]


def _decoded(body: bytes) -> Iterator[CollectedSpan]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _attributes(of_resource.resource.attributes)["service.name"]
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield CollectedSpan(
                    service=service,
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    linked_traces=tuple(link.trace_id.hex() for link in span.links),
                    began_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes=_attributes(span.attributes),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector from its start to its end."""
    with receiver() as made:
        made.otherwise = answering(200)
        yield Collector(made)
