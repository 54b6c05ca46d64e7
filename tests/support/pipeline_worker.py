"""A worker without its processes: the task runs where the test runs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.storage.local.folder import LocalFolder
from shared.storage.measured_space import WorkSpace
from tests.support import factories
from tests.support.doubles.stub_speaker_encoder import StubSpeakerEncoder
from tests.support.stack_without_http import as_wav
from worker import child_process
from worker.batching.out_of_memory import BatchSizer
from worker.pipeline.tools import Tools
from worker.recogniser import SAMPLE_RATE, Recogniser


class Worker:
    """Tools with a recogniser of the test's choice, and the task run in this process."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.settings = Settings(
            data_dir=folder,
            redis_url=f"redis+socket://{folder}/nobody.sock",  # type: ignore[arg-type]
            min_free_bytes=0,
            retry_delay_s=0,
        )
        self.blobs = LocalFolder(self.settings.recordings_dir, min_free_bytes=0)
        self.work_space = WorkSpace(self.settings.work_dir, 0)

    def tools(self, recogniser: Recogniser) -> Tools:
        sizer = BatchSizer(self.settings, recogniser)
        return Tools(
            self.settings,
            self.db,
            self.blobs,
            self.work_space,
            recogniser,
            sizer,
            speaker_encoder=StubSpeakerEncoder,
        )

    def submit(self, content: bytes, **options: Any) -> str:
        with self.blobs.receive(max_bytes=2**30) as incoming:
            incoming.write(content)
            blob = incoming.keep()
        return factories.submit(self.db, blob=blob, options=options)

    def run(self, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hear one doorbell."""
        from worker.tasks import transcribe_next

        monkeypatch.setattr(child_process, "_tools", self.tools(recogniser))
        transcribe_next("test")

    def job(self, job_id: str) -> jobs.JobView:
        return jobs.get_job(self.db, owner_id=LOCAL_OWNER, job_id=job_id)

    def transcript(self, job_id: str) -> str:
        stored = jobs.get_transcript(self.db, owner_id=LOCAL_OWNER, job_id=job_id)
        return repr(stored.sentences)


SPEECH_S = 1.5
"""Seconds of each of the 40 spans, which differ in loudness and so in their words."""


@cache
def recording(spans: int = 40) -> bytes:
    """Noise and pauses in turns, the same whenever it is called."""
    random = np.random.default_rng(3)
    pause = np.zeros(int(1.2 * SAMPLE_RATE), np.int16)
    parts = [pause]
    for number in range(spans):
        loudness = 1000 + 137 * number
        length = int((SPEECH_S + 0.05 * number) * SAMPLE_RATE)
        parts += [random.normal(0, loudness, length).clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))
