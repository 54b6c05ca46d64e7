"""The bundled model runs out of memory in its forward pass, as torch says it, in a whole job."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from shared.db import Database
from shared.states import BatchLimit, JobStatus
from tests.support.pipeline_worker import Worker
from tests.support.speech.speech_models import excerpt, recogniser
from tests.support.stack_without_http import as_wav
from worker import child_process
from worker.engine.layers.sanm_layers import RowMask
from worker.engine.paraformer.network import Paraformer
from worker.engine.paraformer.uncalibrated_memory import FRAME_SECONDS
from worker.pipeline.tools import Tools
from worker.tasks import transcribe_next

RECORDING = as_wav(excerpt(0, 45))
BUDGET_S = 14.0
"""Padded seconds of a batch: the two longest segments together, so that half of a batch is no more
than fits where one of them does."""

ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    MemoryError(),
)
"""Errors that the device module takes for out of memory."""


class Device:
    """Stands in the encoder's place: refuses batches, in the midst of a forward pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception = ERRORS[0]) -> None:
        self.refuses: Callable[[float], bool] = lambda padded_s: False
        self.tried: list[float] = []
        self.refused: list[float] = []
        network_class = type(recogniser()._speech_network)
        encode = network_class._encode

        def guarded(network: Paraformer, features: Tensor, frames: RowMask) -> Tensor:
            hidden = encode(network, features, frames)
            padded_s = max(map(len, features)) * len(features) * FRAME_SECONDS
            self.tried.append(padded_s)
            if self.refuses(padded_s):
                self.refused.append(padded_s)
                raise error
            return hidden

        monkeypatch.setattr(network_class, "_encode", guarded)


@pytest.fixture
def tools(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Of one running worker: what it learns in one job it knows in the next."""
    return running_tools(worker, BUDGET_S, monkeypatch)


def running_tools(worker: Worker, batch_size_s: float, monkeypatch: pytest.MonkeyPatch) -> Tools:
    made = worker.tools(recogniser())
    monkeypatch.setattr(made.batch_sizer, "_fixed_s", batch_size_s)
    monkeypatch.setattr(child_process, "_tools", made)
    return made


@dataclass(frozen=True)
class Undisturbed:
    """The recording when nothing goes wrong: its transcript, and the longest of its segments."""

    text: str
    longest_s: float


@pytest.fixture(scope="module")
def undisturbed(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """From two jobs, the second of which recognises each segment alone."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copyfile(migrated_sqlite, folder / "longscribe.db")
    db = Database(f"sqlite:///{folder / 'longscribe.db'}")
    worker = Worker(db, folder / "data")
    texts = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for batch_size_s in (BUDGET_S, 1.0):
            device = Device(monkeypatch)
            running_tools(worker, batch_size_s, monkeypatch)
            job_id = worker.submit(RECORDING)
            transcribe_next("undisturbed")
            texts.append(worker.transcript(job_id))
    db.dispose()
    assert texts[0] == texts[1]
    assert len(texts[0]) > 1000
    return Undisturbed(texts[0], max(device.tried))


@pytest.fixture
def expected(undisturbed: Undisturbed) -> str:
    return undisturbed.text


@pytest.mark.parametrize(
    ("error", "room_s"), [(ERRORS[0], 9.0), (ERRORS[1], 6.0), (ERRORS[2], 10.0)]
)
def test_batches_above_a_size_are_halved_and_the_text_is_the_same(
    worker: Worker,
    tools: Tools,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    room_s: float,
) -> None:
    device = Device(monkeypatch, error)
    # A single segment always fits, for the recording has one longer than the smaller room.
    device.refuses = lambda padded_s: padded_s > max(room_s, undisturbed.longest_s)
    job_id = worker.submit(RECORDING)
    transcribe_next("short of memory")
    assert worker.transcript(job_id) == undisturbed.text
    stats = worker.job(job_id).recognition
    assert stats is not None
    assert stats.oom_retries == len(device.refused) > 0
    assert tools.batch_sizer.ceiling_s < BUDGET_S

    device.tried.clear()
    device.refused.clear()
    again = worker.submit(RECORDING)
    transcribe_next("with what was learnt")
    assert worker.transcript(again) == undisturbed.text
    assert device.refused == []
    stats = worker.job(again).recognition
    assert stats is not None and stats.oom_retries == 0
    assert stats.limited_by == BatchLimit.LEARNED


def test_out_of_memory_at_the_first_batch_alone(
    worker: Worker, tools: Tools, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(monkeypatch)
    device.refuses = lambda padded_s: len(device.tried) == 1
    job_id = worker.submit(RECORDING)
    transcribe_next("at first")
    assert worker.transcript(job_id) == expected
    stats = worker.job(job_id).recognition
    assert stats is not None and stats.oom_retries == 1
    assert tools.batch_sizer.ceiling_s == pytest.approx(device.refused[0] / 2, rel=0.05)


def test_when_no_segment_fits_the_job_fails_and_the_next_one_is_fine(
    worker: Worker, tools: Tools, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(monkeypatch)
    device.refuses = lambda padded_s: True
    job_id = worker.submit(RECORDING)
    for _ in range(worker.settings.max_attempts):
        transcribe_next("no memory at all")
    job = worker.job(job_id).job
    assert job.status == JobStatus.FAILED
    assert job.error_code == "out_of_memory"
    # Halved until one segment was left.
    assert min(device.refused) < BUDGET_S / 2

    device.refuses = lambda padded_s: False
    after = worker.submit(RECORDING)
    transcribe_next("with memory")
    assert worker.transcript(after) == expected
