"""Two real workers of different models at one queue."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

import worker.demo_model
from shared import jobs
from shared.db import database_now
from shared.models import WorkerSeen
from shared.states import JobStatus, WaitReason
from shared.storage.identity import adopt_storage
from tests.support.speech.demo_speech import meeting
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for
from tests.support.stack_without_http import Installation, as_wav

RECORDING = as_wav(meeting(10).samples)


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Without workers. Nobody sweeps twice, so a job is taken by its doorbell or not at all."""
    env = {"LONGSCRIBE_SWEEP_S": "3600", **NOBODY_DIES}
    with running(Stack(tmp_path / "stack", sqlite_url, env)) as stack:
        stack.start_redis()
        made = Installation(stack)
        adopt_storage(made.db, made.blobs)
        yield made
        made.db.dispose()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """The bundled model under another name."""
    folder = tmp_path / "models" / "我们的 model"
    for part in (
        worker.demo_model.ASR_DIR,
        worker.demo_model.VAD_DIR,
        worker.demo_model.PUNC_DIR,
    ):
        shutil.copytree(part, folder / part.name)
    return folder


def wait_for_workers(installation: Installation, *names: str) -> None:
    def ready() -> bool:
        known = jobs.known_models(installation.db, within_s=60)
        return {one.name for one in known if one.jobs_at_once} >= {*names}

    wait_for(ready, seconds=240, what=f"workers of {names}")


def test_each_takes_what_names_its_model_and_either_the_rest(
    installation: Installation, ours: Path
) -> None:
    stack = installation.stack
    stack.start_worker("one")
    two = stack.start_worker("two", LONGSCRIBE_MODEL=str(ours))
    wait_for_workers(installation, "demo", ours.name)
    wanted = ["demo", ours.name, ours.name, "demo", None]
    submitted = [installation.submit(RECORDING, model=model) for model in wanted]
    for job_id, model in zip(submitted, wanted, strict=True):
        assert installation.wait_until_over(job_id, seconds=240) is JobStatus.COMPLETED
        transcript = installation.transcript(job_id)
        assert transcript.text
        assert transcript.model in ({model} if model else {"demo", ours.name})

    two.kill_all()
    with installation.db.writing() as session:
        gone = update(WorkerSeen).where(WorkerSeen.model_name == ours.name)
        session.execute(gone.values(seen_at=database_now(-600)))
    waits = installation.submit(RECORDING, model=ours.name)
    assert installation.view(waits).waits_for is WaitReason.NO_WORKER_OF_MODEL
    passes = installation.submit(RECORDING)
    assert installation.wait_until_over(passes, seconds=240) is JobStatus.COMPLETED
    assert installation.status(waits) is JobStatus.QUEUED
    stack.start_worker("three", LONGSCRIBE_MODEL=str(ours))
    assert installation.wait_until_over(waits, seconds=240) is JobStatus.COMPLETED
    assert installation.transcript(waits).model == ours.name
