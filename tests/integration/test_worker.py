"""A real Celery worker with the bundled model, a real Redis, a real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
import standardwebhooks

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.outbound.addresses import AddressRules
from shared.states import BatchLimit, JobStatus, Stage
from shared.webhooks import hooks
from shared.webhooks.hooks import HookSettings
from tests.support.doubles.receiver import LOOPBACK, receiver
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import NOBODY_DIES, Service, Stack, running, wait_for
from tests.support.stack_without_http import Installation, as_wav
from worker.recogniser import SAMPLE_RATE


@pytest.fixture
def installation(stack: Stack) -> Iterator[Installation]:
    made = Installation(stack)
    yield made
    made.db.dispose()


@pytest.fixture(scope="module")
def common(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, Service]]:
    """One installation and its worker for the tests that break neither."""
    folder = tmp_path_factory.mktemp("common")
    with running(Stack(folder / "stack", module_database_url, {**NOBODY_DIES})) as stack:
        stack.start_redis()
        worker = stack.start_worker(
            LONGSCRIBE_OUTBOUND_NETWORKS=LOOPBACK, LONGSCRIBE_OUTBOUND_HTTP="allowed"
        )
        made = Installation(stack)
        yield made, worker
        made.db.dispose()


def test_a_recording_becomes_its_text_with_times(common: tuple[Installation, Service]) -> None:
    installation, worker = common
    said = meeting(60)
    job_id = installation.submit(as_wav(said.samples))
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    transcript = installation.transcript(job_id)
    assert character_error_rate(said.text, transcript.text) <= 0.02
    assert transcript.duration == pytest.approx(60, abs=0.01)
    times = [(s.start, s.end) for s in transcript.sentences]
    assert times == sorted(times)
    assert all(0 <= start < end <= 60 for start, end in times)
    for sentence in transcript.sentences:
        assert [w.start for w in sentence.words] == sorted(w.start for w in sentence.words)
    shown = installation.view(job_id)
    assert shown.job.progress == 1
    assert shown.job.recording.duration_s == pytest.approx(60, abs=0.01)
    assert shown.recognition is not None
    assert shown.recognition.batch_size_s == 300
    assert shown.recognition.limited_by == BatchLimit.LENGTH
    assert shown.recognition.length_ceiling_s == 300
    assert shown.recognition.sized_for_s == pytest.approx(60, abs=0.5)
    assert shown.recognition.memory_is_measured
    assert shown.recognition.predicted_peak_bytes and shown.recognition.peak_bytes
    assert not list((installation.stack.folder / "data" / "work").iterdir())


def test_a_worker_tells_a_webhook_what_becomes_of_a_job(
    common: tuple[Installation, Service],
) -> None:
    installation, worker = common
    rules = AddressRules(networks=(ip_network(LOOPBACK),), http=True)
    with receiver() as there:
        hook, secret = hooks.add_hook(
            installation.db,
            rules,
            owner_id=LOCAL_OWNER,
            wanted=HookSettings(there.url),
            site_url="",
        )
        job_id = installation.submit(as_wav(meeting(20).samples))
        wait_for(lambda: len(there.received) == 3, what="three deliveries")
        told = [
            standardwebhooks.Webhook(secret).verify(came.body, came.headers)
            for came in there.received
        ]
        assert [one["type"] for one in told] == ["job.submitted", "job.started", "job.completed"]
        assert {one["data"]["id"] for one in told} == {job_id}, worker.log
        hooks.delete_hook(installation.db, owner_id=LOCAL_OWNER, webhook_id=hook.id)


def test_a_worker_tells_whether_its_model_takes_hotwords(
    common: tuple[Installation, Service],
) -> None:
    installation, _worker = common
    wait_for(
        lambda: (
            [
                isinstance(worker.takes_hotwords, bool)
                for worker in jobs.workers_seen(installation.db, within_s=60)
            ]
            == [True]
        ),
        what="the worker's row",
    )


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        (b"this is no recording at all, just text", "unsupported_media"),
        (as_wav(np.zeros(0, np.int16)), "no_audio"),
        (b"\x00" * 5000, "unsupported_media"),
    ],
)
def test_what_cannot_be_decoded_fails_in_seconds_and_the_worker_goes_on(
    common: tuple[Installation, Service], recording: bytes, code: str
) -> None:
    installation, worker = common
    bad = installation.submit(recording)
    good = installation.submit(as_wav(meeting(20).samples))
    assert installation.wait_until_over(bad) == JobStatus.FAILED
    assert installation.view(bad).job.error_code == code
    assert installation.wait_until_over(good) == JobStatus.COMPLETED, worker.log


@pytest.mark.parametrize("kind", ["digital silence", "noise", "ten milliseconds"])
def test_a_recording_in_which_nobody_speaks_completes_with_a_warning(
    common: tuple[Installation, Service], kind: str
) -> None:
    installation, worker = common
    samples = {
        "digital silence": np.zeros(30 * SAMPLE_RATE, np.int16),
        "noise": np.random.default_rng(1).normal(0, 40, 30 * SAMPLE_RATE).astype(np.int16),
        "ten milliseconds": np.ones(SAMPLE_RATE // 100, np.int16),
    }[kind]
    job_id = installation.submit(as_wav(samples))
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    transcript = installation.transcript(job_id)
    assert transcript.text == ""
    assert transcript.warnings == ("no_speech",)


def test_a_job_nobody_was_told_of_is_found_by_the_sweep(
    common: tuple[Installation, Service],
) -> None:
    installation, worker = common
    job_id = installation.submit(as_wav(meeting(20).samples), doorbell=False)
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_text_is_the_same_at_every_batch_size(stack: Stack, installation: Installation) -> None:
    recording = as_wav(meeting(240).samples)
    transcripts = {}
    for size in ("5", "60", "300", "600"):
        worker = stack.start_worker(f"worker-{size}", LONGSCRIBE_BATCH_SIZE_S=size)
        job_id = installation.submit(recording)
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
        transcripts[size] = installation.transcript(job_id)
        stats = installation.view(job_id).recognition
        assert stats is not None and stats.batch_size_s == float(size)
        worker.kill_all()  # told to stop, it would take seconds to close its pool
    assert len({transcript.text for transcript in transcripts.values()}) == 1
    words = [
        [word for sentence in transcript.sentences for word in sentence.words]
        for transcript in transcripts.values()
    ]
    assert len({tuple((w.word, w.start, w.end) for w in said) for said in words}) == 1
    # Products of another shape round differently; in one of some 100,000 words that moves a digit.
    for said in words:
        assert all(
            abs(one.confidence - other.confidence) < 0.0101
            for one, other in zip(said, words[0], strict=True)
            if one.confidence is not None and other.confidence is not None
        )
        assert None not in [word.confidence for word in said]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_model_that_is_not_there_ends_the_worker_with_what_to_do(
    stack: Stack, tmp_path: Path
) -> None:
    worker = stack.start_worker(LONGSCRIBE_MODEL=str(tmp_path / "nowhere"))
    assert worker.process.wait(timeout=240) == 2
    assert "There is no model folder" in worker.log
    assert "Check LONGSCRIBE_MODEL" in worker.log


def test_stages_are_words_of_the_vocabulary(common: tuple[Installation, Service]) -> None:
    installation, _ = common
    job_id = installation.submit(as_wav(meeting(240).samples))
    seen = set()
    while not (shown := installation.view(job_id)).job.completed_at:
        seen.add(shown.job.stage)
        time.sleep(0.01)
    assert seen & {Stage.DECODING.value, Stage.RECOGNISING.value}
    assert seen <= {None, *(stage.value for stage in Stage)}
