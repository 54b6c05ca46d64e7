"""A worker without its processes, for the tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.db import Database
from tests.support.doubles.replayed_decoder import replay_decoders
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker import child_process


@pytest.fixture
def worker(db: Database, tmp_path: Path) -> Iterator[Worker]:
    yield Worker(db, tmp_path)
    child_process.shutdown.clear()


@pytest.fixture
def replayed_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode each recording once a process, for tests of what becomes of the sound."""
    replay_decoders(monkeypatch)


@pytest.fixture
def expected(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> str:
    """The transcript when nothing goes wrong."""
    job_id = worker.submit(recording())
    worker.run(StubRecogniser(), monkeypatch)
    return worker.transcript(job_id)
