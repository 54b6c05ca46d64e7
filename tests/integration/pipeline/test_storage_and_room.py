"""A storage that goes away and a disk that is full cost waiting, and no job."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from shared.models import Recording
from shared.states import AttemptOutcome, JobStatus
from shared.storage.identity import StorageState, check_storage
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.audio.spool import AudioSpool
from worker.pipeline.attempt import Attempt


def test_a_full_disk_while_decoding_is_tried_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(recording())
    # Twice before the claim, for the whole, for a block; then none.
    free = iter([2**40] * 4)
    monkeypatch.setattr(AudioSpool, "reserve", lambda spool, size: None)  # as on some disks
    monkeypatch.setattr(worker.work_space, "usable_bytes", lambda: next(free, 0))
    worker.run(StubRecogniser(), monkeypatch)
    shown = worker.job(job_id)
    assert shown.job.status == JobStatus.QUEUED
    assert shown.attempt is not None
    assert shown.attempt.error_code == "insufficient_storage"
    assert shown.attempt.outcome == AttemptOutcome.RELEASED  # which uses up none


def test_a_recording_longer_than_the_room_left_is_not_begun(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, short = worker.submit(recording()), worker.submit(recording(4))
    monkeypatch.setattr(worker.work_space, "usable_bytes", lambda: 2**20)
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.job(short).job.status == JobStatus.COMPLETED
    worker.run(StubRecogniser(), monkeypatch)
    shown = worker.job(long)
    assert (shown.job.status, shown.job.attempts) == (JobStatus.QUEUED, [])


def test_a_recording_longer_than_was_thought_waits_for_room(
    worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(recording())
    with worker.db.writing() as session:
        session.execute(update(Recording).values(estimated_s=1.0))
    with monkeypatch.context() as full:
        full.setattr(worker.work_space, "usable_bytes", lambda: 2**20)
        for _ in range(3):  # its length is known after the first
            worker.run(StubRecogniser(), monkeypatch)
    shown = worker.job(job_id)
    assert shown.job.status == JobStatus.QUEUED
    [attempt] = shown.job.attempts
    assert attempt.error_code == "insufficient_storage"
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.transcript(job_id) == expected


def test_a_recording_longer_than_any_disk_fails_and_says_so(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(recording())
    monkeypatch.setattr(worker.work_space, "usable_bytes", lambda: 2**19)
    monkeypatch.setattr(worker.work_space, "disk_bytes", lambda: 2**20)
    worker.run(StubRecogniser(), monkeypatch)
    shown = worker.job(job_id).job
    assert (shown.status, shown.error_code) == (JobStatus.FAILED, "disk_too_small")
    assert "takes 5 MB" in str(shown.error_message)
    assert "offers 1 MB" in str(shown.error_message)


def test_a_recording_that_is_gone_from_a_sound_storage_fails_as_missing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = worker.submit(recording(2)), worker.submit(recording(3))
    worker.run(StubRecogniser(), monkeypatch)  # which finds the storage sound
    worker.blobs.delete(worker.job(gone).job.recording.blob_key)
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.job(kept).job.status == JobStatus.COMPLETED
    shown = worker.job(gone).job
    assert (shown.status, shown.error_code) == (JobStatus.FAILED, "recording_missing")
    assert len(shown.attempts) == 1


@pytest.mark.parametrize("place", ["before the claim", "before it is read", "while it is read"])
def test_a_storage_that_goes_away_costs_no_attempt(
    worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    job_id = worker.submit(recording())
    assert check_storage(worker.db, worker.blobs) is StorageState.SOUND
    root, away = worker.blobs.root, worker.blobs.root.with_name("away")

    def go_away() -> None:
        root.rename(away)
        root.mkdir()

    with monkeypatch.context() as patched:
        if place == "before the claim":
            go_away()
        elif place == "before it is read":
            begin = Attempt.begin
            patched.setattr(Attempt, "begin", lambda *given: (go_away(), begin(*given))[1])
        else:
            detector = type(StubRecogniser().voice_activity())
            finish = detector.finish
            patched.setattr(detector, "finish", lambda self: (go_away(), finish(self))[1])
        worker.run(StubRecogniser(), monkeypatch)
    shown = worker.job(job_id).job
    assert shown.status == JobStatus.QUEUED
    assert [(each.outcome, each.error_code) for each in shown.attempts] == (
        [] if place == "before the claim" else [("released", "storage_unavailable")]
    )
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.job(job_id).job.status == JobStatus.QUEUED  # still away
    root.rmdir()
    away.rename(root)
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.transcript(job_id) == expected


def test_a_full_disk_leaves_the_queue_as_it_is(
    worker: Worker, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(recording())
    with monkeypatch.context() as full:
        full.setattr(worker.work_space, "usable_bytes", lambda: 0)
        worker.run(StubRecogniser(), monkeypatch)
        assert worker.job(job_id).job.status == JobStatus.QUEUED
        assert worker.job(job_id).job.attempts == []
    worker.run(StubRecogniser(), monkeypatch)
    assert worker.transcript(job_id) == expected
