"""Whose fault it was when the device failed, as far as a worker's jobs can tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import update

from shared.db import Database, database_now
from shared.models import Job
from shared.states import JobStatus
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker import child_process
from worker.recogniser import Pcm, RecognisedSpan, RecognitionRequest


class BrokenRecogniser(StubRecogniser):
    """Its device computes nothing."""

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        raise RuntimeError("an illegal memory access was encountered")

    def device_works(self) -> bool:
        return False


class ProcessEnded(BaseException):
    """Instead of the end of the process that runs the tests."""


@pytest.fixture
def broken_worker(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    def end() -> NoReturn:
        raise ProcessEnded

    monkeypatch.setattr(child_process, "end_with_its_device", end)
    worker.settings = worker.settings.model_copy(update={"health_dir": str(tmp_path / "health")})
    (tmp_path / "health").mkdir()
    return worker


def fail_once(
    worker: Worker, job_id: str, recogniser: BrokenRecogniser, monkeypatch: pytest.MonkeyPatch
) -> JobStatus:
    """The worker takes this job before all others, and its device fails."""
    _set_available(worker.db, job_id, -3600.0)
    with pytest.raises(ProcessEnded):
        worker.run(recogniser, monkeypatch)
    return worker.job(job_id).job.status


def _set_available(db: Database, job_id: str, seconds: float) -> None:
    with db.writing() as session:
        session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(available_at=database_now(seconds), queued_at=database_now(seconds))
        )


def test_a_job_is_not_blamed_while_another_waits_that_was_not_tried(
    broken_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late its children start: a job given back may be taken first each time."""
    recogniser = BrokenRecogniser()
    first, other = (broken_worker.submit(recording(spans=2)) for _ in range(2))
    for _ in range(4):
        assert fail_once(broken_worker, first, recogniser, monkeypatch) is JobStatus.QUEUED
    assert fail_once(broken_worker, other, recogniser, monkeypatch) is JobStatus.QUEUED
    for job_id in (first, other):
        assert broken_worker.job(job_id).job.error_code is None


def test_the_only_one_that_waits_is_blamed_after_three(
    broken_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser = BrokenRecogniser()
    only = broken_worker.submit(recording(spans=2))
    ends = [fail_once(broken_worker, only, recogniser, monkeypatch) for _ in range(3)]
    assert ends == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.FAILED]
    assert broken_worker.job(only).job.error_code == "device_failed"


def test_one_is_blamed_between_others_that_are_completed(
    broken_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = broken_worker.submit(recording(spans=2))
    others = [broken_worker.submit(recording(spans=2)) for _ in range(3)]
    ends = []
    for other in others:
        ends.append(fail_once(broken_worker, poison, BrokenRecogniser(), monkeypatch))
        if ends[-1] is JobStatus.QUEUED:
            _set_available(broken_worker.db, poison, 3600.0)
        broken_worker.run(StubRecogniser(), monkeypatch)
        assert broken_worker.job(other).job.status is JobStatus.COMPLETED
    assert ends == [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.FAILED]
