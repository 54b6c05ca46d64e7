"""A job's trace from its upload to its export, with every process and the collector real."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_network
from typing import TYPE_CHECKING

import requests

from shared.models import LOCAL_OWNER
from shared.outbound.addresses import AddressRules
from shared.states import AttemptOutcome, JobStatus
from shared.webhooks import hooks
from shared.webhooks.hooks import HookSettings
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.support.doubles.receiver import LOOPBACK, receiver
from tests.support.stack import Stack, wait_for
from tests.support.thorough import needs
from tests.support.web.tus_client import Upload

if TYPE_CHECKING:
    from tests.support.doubles.collector import CollectedSpan, Collector

CALLERS_TRACE, CALLERS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"}
READER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
NAME = "Oldenburg"
SPANS = 4


def submit_in_pieces(stack: Stack, content: bytes) -> str:
    """Upload by tus and submit, as the page does; the job's id."""
    upload = Upload.begin(stack.url, len(content), filename=f"{NAME}.wav")
    assert upload.append(0, content).status_code == 204
    made = upload.submit(CALLER)
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


def only(there: Collector, name: str) -> CollectedSpan:
    [span] = there.named(name)
    return span


def test_one_trace_joins_the_request_the_waits_both_attempts_deliveries_and_the_export(
    stack: Stack,
) -> None:
    needs("opentelemetry.sdk", "traces")
    from tests.support.doubles.collector import collector

    rules = AddressRules(networks=(ip_network(LOOPBACK),), http=True)
    with collector() as there, receiver() as told:
        stack.env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": there.url,
            # So long that what came was sent because its process ended.
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
            "LONGSCRIBE_OUTBOUND_NETWORKS": LOOPBACK,
            "LONGSCRIBE_OUTBOUND_HTTP": "allowed",
        }
        installation = FaultyInstallation(stack)
        _hook, secret = hooks.add_hook(
            installation.db, rules, owner_id=LOCAL_OWNER, wanted=HookSettings(told.url), site_url=""
        )
        # Its first attempt is killed after two of its batches, and another goes on.
        killed = Fault(Step.COMMITTED, Action.KILL_CHILD, batch=2)
        installation.faults.arm(killed, filename=f"{NAME}.wav")
        web = stack.start_web()
        worker = installation.start_worker()
        job_id = submit_in_pieces(stack, recording(spans=SPANS))
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, installation.logs()
        assert installation.outcomes(job_id)[0][0] == AttemptOutcome.LOST
        asked = requests.get(
            f"{stack.url}/api/v1/jobs/{job_id}/transcript?format=srt", headers=READER, timeout=60
        )
        assert asked.status_code == 200
        wait_for(lambda: len(told.received) >= 3, what="the deliveries")
        assert there.spans() == []
        web.stop()
        worker.stop()

        spans = there.spans()
        assert {span.trace_id for span in spans} == {CALLERS_TRACE}
        accepted = only(there, "POST /api/v1/jobs")
        assert accepted.parent_id == CALLERS_SPAN
        assert accepted.service == "longscribe-web"
        assert accepted.attributes["http.response.status_code"] == 202
        below = {"upload", "queue", "attempt", "deliver", "export"}
        assert {s.name for s in spans if s.parent_id == accepted.span_id} == below
        assert all(span.ended_ns >= span.began_ns for span in spans)

        lost, done = there.named("attempt")
        assert lost.failed and lost.attributes["longscribe.outcome"] == "lost"
        assert lost.attributes["error.type"] == "worker_lost"
        assert not done.failed and done.attributes["longscribe.outcome"] == "completed"
        # What the killed process had noted by then went with it: the first wait, two batches.
        assert only(there, "queue").attributes["longscribe.attempt"] == 2
        assert done.attributes["longscribe.job_id"] == job_id
        assert done.service == "longscribe-worker"
        stages = Counter(span.name for span in spans if span.parent_id == done.span_id)
        assert stages.pop("batch") == SPANS - 2
        assert stages == Counter(["decode", "punctuation", "assemble", "commit"])
        assert only(there, "export").linked_traces == (READER["traceparent"][3:35],)
        assert only(there, "export").attributes["longscribe.format"] == "srt"

        _nothing_told(there, installation, job_id, (secret, told.url))


def _nothing_told(
    there: Collector, installation: FaultyInstallation, job_id: str, secrets: tuple[str, ...]
) -> None:
    """No word of the transcript, no name of a file and no secret is in what was sent."""
    transcript = installation.transcript(job_id)
    said = {word.word for sentence in transcript.sentences for word in sentence.words}
    assert said
    sent = b"".join(there.bodies)
    hidden = {NAME, str(installation.stack.folder), *secrets, *said}
    assert [one for one in hidden if one.encode() in sent] == []
