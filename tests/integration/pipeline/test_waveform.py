"""A job's waveform is that of its recording, however its attempts ended, on both databases."""

from __future__ import annotations

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.pipeline.attempt import Attempt
from worker.pipeline.transcribe import transcribe


class Stop(Exception):
    """Stands for the process being killed."""


def waveform(worker: Worker, job_id: str) -> jobs.Waveform | None:
    return jobs.get_waveform(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)


def test_it_shows_where_there_is_sound(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = worker.submit(recording(10))
    assert waveform(worker, job_id) is None
    worker.run(StubRecogniser(), monkeypatch)
    found = waveform(worker, job_id)
    assert found is not None
    assert found.duration_s == pytest.approx(worker.job(job_id).job.recording.duration_s)
    quiet = [index / len(found.peaks) * found.duration_s
             for index, peak in enumerate(found.peaks) if peak == 0]  # fmt: skip
    assert sum(0 <= at < 1.15 for at in quiet) > 100  # the pause at the beginning
    assert len(quiet) * found.duration_s / len(found.peaks) == pytest.approx(11 * 1.2, abs=0.5)
    assert max(found.peaks) == 255


@pytest.mark.parametrize("batches", [0, 1, 4])
def test_it_is_the_same_after_an_attempt_that_died(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    undisturbed = worker.submit(recording())
    worker.run(StubRecogniser(), monkeypatch)
    job_id = worker.submit(recording())
    tools = worker.tools(StubRecogniser())
    monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 10.0)
    first = factories.claim(worker.db)

    def die() -> None:
        if len(tools.recogniser.batches) >= batches:  # type: ignore[attr-defined]
            raise Stop

    with pytest.raises(Stop):
        transcribe(Attempt.begin(tools, first, die))
    jobs.release(worker.db, first)
    worker.run(StubRecogniser(), monkeypatch)
    assert waveform(worker, job_id) == waveform(worker, undisturbed) is not None


def test_an_attempt_that_need_not_decode_keeps_it(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(recording(5))
    tools = worker.tools(StubRecogniser())
    first = factories.claim(worker.db)
    with monkeypatch.context() as patched, pytest.raises(Stop):
        patched.setattr(jobs, "store_marks", lambda *args, **values: (_ for _ in ()).throw(Stop))
        transcribe(Attempt.begin(tools, first, lambda: None))
    kept = waveform(worker, job_id)
    assert kept is not None
    jobs.release(worker.db, first)
    # Nothing is decoded again.
    monkeypatch.setattr("worker.pipeline.transcribe.RecognitionRun", None)
    worker.run(StubRecogniser(), monkeypatch)
    assert waveform(worker, job_id) == kept
