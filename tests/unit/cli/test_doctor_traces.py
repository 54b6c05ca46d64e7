"""What `longscribe doctor` says of traces."""

from __future__ import annotations

import sys

import pytest

from shared.cli.doctor.finding import Level
from shared.cli.doctor.other_servers.traces import check_traces
from shared.traces import spans
from tests.support.doubles.receiver import receiver
from tests.support.stack import hold_port
from tests.support.thorough import needs

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _nothing_sent_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_of_process", None)


def test_nothing_is_said_where_no_collector_is_named() -> None:
    assert check_traces() == []


def test_a_collector_is_there_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("opentelemetry.sdk", "traces")
    with receiver() as there:
        monkeypatch.setenv(ENDPOINT, f"http://name:password@127.0.0.1:{there.port}")
        [found] = check_traces()
        assert (found.level, found.finding) == (Level.OK, f"sent to 127.0.0.1:{there.port}")
    monkeypatch.setenv(ENDPOINT, f"http://name:password@127.0.0.1:{hold_port()}")
    [found] = check_traces()
    assert found.level is Level.WARNING
    assert "traces are lost, and jobs go on" in found.finding
    assert "password" not in found.finding
    monkeypatch.setenv(ENDPOINT, "collector")
    [found] = check_traces()
    assert found.level is Level.PROBLEM


def test_another_protocol_and_a_missing_extra_are_problems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    [found] = check_traces()
    assert found.level is Level.PROBLEM
    assert "http/protobuf only" in found.finding
    monkeypatch.setattr(spans, "_of_process", None)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    monkeypatch.setitem(sys.modules, "shared.traces.exporter", None)
    [found] = check_traces()
    assert found.level is Level.PROBLEM
    assert "pip install 'longscribe[traces]'" in found.finding
