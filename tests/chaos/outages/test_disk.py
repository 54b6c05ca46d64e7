"""A disk that is full, for uploads and for decoding: real processes, PostgreSQL, and the kernel's
limit on the size of a file in place of a full disk (Longscribe takes both for the same)."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import AttemptOutcome, JobStatus
from tests.support.speech.demo_speech import meeting
from tests.support.stack import Stack, wait_for
from tests.support.stack_without_http import Installation, as_wav, children, model_process

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""SQLite's own files would meet the limit."""


@contextmanager
def no_file_grows_beyond(size_bytes: int, *pids: int) -> Iterator[None]:
    """For processes that run already."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))
    yield
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_an_upload_that_finds_no_room_is_a_507_and_leaves_nothing(stack: Stack) -> None:
    web = stack.start_web(LONGSCRIBE_MIN_FREE_BYTES="0")
    wait_for(lambda: children(web.pid), what="gunicorn's process")
    installation = Installation(stack)

    def submit() -> requests.Response:
        file = {"file": ("meeting.wav", as_wav(meeting(60).samples))}
        return requests.post(f"{stack.url}/api/v1/jobs", files=file, timeout=60)

    with no_file_grows_beyond(2**20, *children(web.pid)):
        refused = submit()
    assert refused.status_code == 507, refused.text
    assert refused.json()["error"]["code"] == "insufficient_storage"
    assert jobs.list_jobs(installation.db, owner_id=LOCAL_OWNER).jobs == []
    folder = stack.folder / "data" / "recordings"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["storage-id"]
    assert submit().status_code == 202  # the same server, once there is room


def test_a_disk_that_fills_while_a_recording_is_decoded_costs_tries_and_no_word(
    stack: Stack,
) -> None:
    worker = stack.start_worker(
        LONGSCRIBE_MIN_FREE_BYTES="0", LONGSCRIBE_MAX_ATTEMPTS="1000", LONGSCRIBE_LEASE_S="60"
    )
    installation = Installation(stack)
    first = installation.submit(as_wav(meeting(60).samples))
    assert installation.wait_until_over(first) == JobStatus.COMPLETED, worker.log
    process = model_process(worker.pid)
    with no_file_grows_beyond(2**20, process):
        job_id = installation.submit(as_wav(meeting(60).samples))
        wait_for(lambda: len(installation.view(job_id).job.attempts) > 1, what="a second try")
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    *refused, last = installation.view(job_id).job.attempts
    assert {attempt.error_code for attempt in refused} == {"insufficient_storage"}
    assert last.outcome == AttemptOutcome.COMPLETED
    assert installation.transcript(job_id).text == installation.transcript(first).text
    assert model_process(worker.pid) == process


def test_a_worker_without_room_leaves_the_queue_to_others_and_says_why(stack: Stack) -> None:
    full = stack.start_worker("full", LONGSCRIBE_MIN_FREE_BYTES=str(2**60))
    installation = Installation(stack)
    job_id = installation.submit(as_wav(meeting(20).samples))
    wait_for(lambda: "leaves the queue alone" in full.log, what="the worker to hear of the job")
    assert installation.status(job_id) == JobStatus.QUEUED
    assert installation.view(job_id).job.attempts == []
    other = stack.start_worker("other")
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, other.log
