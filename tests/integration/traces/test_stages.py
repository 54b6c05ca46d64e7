"""Stages of an attempt as spans, and a collector that is down, slow or not there at all."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shared import jobs, traces
from shared.db import Database
from shared.fetches import fetch_queue
from shared.fetches import requests as fetches
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.traces import spans
from tests.support.doubles.receiver import answering, receiver, stall
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from tests.support.stack import REPOSITORY, hold_port
from tests.support.thorough import needs

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def worker(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """In this process, which has sent nothing yet."""
    monkeypatch.setattr(spans, "_of_process", None)
    return Worker(Database(database_url), tmp_path)


def transcribed(worker: Worker, monkeypatch: pytest.MonkeyPatch, **options: object) -> JobStatus:
    job_id = worker.submit(recording(2), **options)
    worker.run(StubRecogniser(), monkeypatch)
    return JobStatus(worker.job(job_id).job.status)


def test_each_stage_is_a_span_below_its_attempt(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    with collector() as there:
        monkeypatch.setenv(ENDPOINT, there.url)
        assert transcribed(worker, monkeypatch, speakers="2") == JobStatus.COMPLETED
        traces.flush()
        [attempt] = there.named("attempt")
        below = [span for span in there.spans() if span.parent_id == attempt.span_id]
        names = {span.name for span in below}
        stages = {"decode", "voice_activity", "batch", "punctuation", "speakers", "assemble"}
        assert names == {*stages, "commit"}
        assert all(attempt.began_ns <= span.began_ns <= span.ended_ns for span in below)
        [decoding] = there.named("decode")
        assert decoding.attributes["longscribe.seconds"] > 0
        batches = there.named("batch")
        assert sum(span.attributes["longscribe.segments"] for span in batches) == 2


def test_of_an_error_its_code_is_told_and_never_its_message(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    with collector() as there:
        monkeypatch.setenv(ENDPOINT, there.url)
        worker.submit(b"this is no recording at all, just text")
        worker.run(StubRecogniser(), monkeypatch)
        traces.flush()
        [attempt] = there.named("attempt")
        assert attempt.failed
        assert attempt.attributes["error.type"] == "unsupported_media"
        assert b"Convert it" not in b"".join(there.bodies)


def test_sampling_is_decided_by_opentelemetry_s_own_variable(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    with collector() as there:
        monkeypatch.setenv(ENDPOINT, there.url)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        with traces.span("anything") as unseen:
            assert unseen.traceparent is not None
            assert int(unseen.traceparent[-2:], 16) & 1 == 0
        traces.flush()
        assert there.spans() == []


def test_a_recording_that_is_fetched_keeps_the_trace_of_who_asked_for_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    with collector() as there:
        monkeypatch.setenv(ENDPOINT, there.url)
        with traces.span("request") as asking:
            fetches.ask(
                worker.db,
                owner_id=LOCAL_OWNER,
                url="https://example.org/a.wav",
                filename="a.wav",
                submission=fetches.Submission(options={}),
            )
        claim = fetch_queue.claim_next(worker.db, lease_s=60, longest_s=60)
        assert claim is not None
        assert claim.submission.traceparent == asking.traceparent is not None
        with traces.within(claim.submission.traceparent):
            job_id = worker.submit(recording(1))
        assert jobs.get_traceparent(worker.db, job_id) == asking.traceparent


def test_what_is_done_to_a_job_that_came_untraced_is_in_one_trace_of_its_own(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    job_id, other_id = worker.submit(recording(1)), worker.submit(recording(1))
    assert traces.of_job(job_id, None) is None
    with collector() as there:
        monkeypatch.setenv(ENDPOINT, there.url)
        lost = jobs.claim_next(worker.db, worker="killed", lease_s=-1)
        assert lost is not None and lost.job_id == job_id
        [expired] = jobs.expire_leases(worker.db, max_attempts=3)
        assert expired.status == JobStatus.QUEUED
        for _ in range(2):
            worker.run(StubRecogniser(), monkeypatch)
        with traces.within(jobs.get_traceparent(worker.db, job_id)), traces.span("export"):
            assert traces.traceparent() is not None
        traces.flush()
        of_job, of_other = (
            [span for span in there.spans() if span.trace_id == traces.of_job(one, None)]
            for one in (job_id, other_id)
        )
        assert len(of_job) + len(of_other) == len(there.spans())
        roots = Counter(span.name for span in of_job if not span.parent_id)
        assert roots == {"queue": 1, "attempt": 2, "export": 1}
        assert {span.name for span in of_other if not span.parent_id} == {"queue", "attempt"}


def test_a_job_of_an_untraced_request_keeps_no_trace_but_that_of_its_id(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("opentelemetry.sdk", "traces")
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    with traces.within(traces.of_job("a fetch", None)):
        job_id = worker.submit(recording(1))
        with traces.span("fetch") as fetched:
            assert (fetched.traceparent or "")[3:35] == traces.of_job("a fetch", None)
    assert jobs.get_traceparent(worker.db, job_id) == traces.of_job(job_id, None)
    assert jobs.get_traceparent(worker.db, "gone") is None


def test_a_collector_that_never_answers_keeps_no_job_waiting(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra: longscribe[traces]")
    with receiver() as there:
        there.otherwise = stall
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{there.port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        # Whoever waited for the collector would wait until the test is given up.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "3600")
        with traces.span("before"):
            pass
        assert there.stalled.wait(60)
        assert transcribed(worker, monkeypatch) == JobStatus.COMPLETED
        traces.flush(within_s=0.01)
        # Or its thread would go on trying after the test.
        there.otherwise = answering(200)
        there.free.set()
        traces.flush(within_s=60)


@pytest.mark.parametrize(
    "variables",
    [
        {ENDPOINT: f"http://127.0.0.1:{hold_port()}"},
        {ENDPOINT: "no address", "OTEL_EXPORTER_OTLP_COMPRESSION": "none such"},
        {ENDPOINT: "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
    ids=["nobody-listens", "wrong-variables", "another-protocol"],
)
def test_jobs_go_on_without_a_collector(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert transcribed(worker, monkeypatch) == JobStatus.COMPLETED
    traces.flush(within_s=0.01)


def test_jobs_go_on_without_the_extra(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shared.traces.exporter", None)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    assert transcribed(worker, monkeypatch) == JobStatus.COMPLETED
    assert traces.traceparent() is None


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({ENDPOINT: ""}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({ENDPOINT: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": ""}, True),
        ({ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": "console, otlp"}, True),
    ],
)
def test_an_endpoint_switches_traces_on(variables: dict[str, str], wanted: bool) -> None:
    assert traces.are_wanted(variables) is wanted


@pytest.mark.parametrize(
    ("propagators", "taken"),
    [("", True), ("baggage, tracecontext", True), ("none", False), ("b3", False)],
)
def test_an_operator_decides_whether_callers_contexts_are_taken(
    propagators: str, taken: bool
) -> None:
    assert traces.takes_callers_context({"OTEL_PROPAGATORS": propagators}) is taken


def test_spans_are_sent_at_exit_though_no_thread_can_begin_any_more() -> None:
    """As in Python 3.12; functions of atexit run in the reverse of their order."""
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    code = (
        "import atexit, threading\n"
        "from shared import traces\n"
        "def refuse(thread):\n"
        "    raise RuntimeError('no new thread at interpreter shutdown')\n"
        "atexit.register(traces.flush)\n"
        "atexit.register(lambda: setattr(threading.Thread, 'start', refuse))\n"
        "traces.note_service(traces.WEB)\n"
        "with traces.span('last'):\n"
        "    pass\n"
    )
    with collector() as there:
        env = {ENDPOINT: there.url, "OTEL_BSP_SCHEDULE_DELAY": "3600000"}
        subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=env, check=True)
        assert [span.service for span in there.named("last")] == [traces.WEB]


@pytest.mark.parametrize(
    "sent",
    [
        f"00-{'G' * 32}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "x" * 8000,
    ],
    ids=["no-hex", "zero", "no-such-version", "long"],
)
def test_what_is_no_traceparent_begins_a_trace_of_its_own_that_fits_its_column(
    monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    needs("opentelemetry.sdk", "traces")
    monkeypatch.setattr(spans, "_of_process", None)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    with traces.span("request", parent=sent, link=sent) as begun:
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", begun.traceparent or "")
        assert begun.traceparent not in sent


def test_a_caller_cannot_name_a_trace_without_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("opentelemetry.sdk", "traces")
    monkeypatch.setattr(spans, "_of_process", None)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    trace = traces.of_job("a job", None)
    traces.begin_request("request", trace)
    try:
        assert (traces.traceparent() or "")[3:35] not in ("", trace)
    finally:
        traces.leave(200)


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys\n"
        "from shared import jobs, traces\n"
        "with traces.within('00-1-2-01'), traces.span('attempt', number=1) as span:\n"
        "    assert span.traceparent is None and traces.traceparent() is None\n"
        "traces.record('queue', began=1)\n"
        "traces.flush()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env={}, check=True)
