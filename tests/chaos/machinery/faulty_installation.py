"""An installation whose workers run the stub and fail where a test wants them to."""

from __future__ import annotations

import sys
import wave
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from sqlalchemy import select

from shared.models import Job, Recording
from shared.states import JobStatus
from shared.transcripts.values import Word
from tests.chaos.machinery.faults import ANY, Action, Fault, Faults, Step
from tests.chaos.machinery.promises import breaches
from tests.chaos.machinery.step_log import StepLog
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.stack import Service, Stack
from tests.support.stack_without_http import Installation, as_wav
from worker.pipeline.assemble import assemble
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE

__all__ = ["ANY", "Action", "Fault", "FaultyInstallation", "Step", "recording"]


def recording(seed: int = 3, spans: int = 8) -> bytes:
    """Spans of speech of 4 s, so that each is a batch of its own where batches hold 5 s."""
    random = np.random.default_rng(seed)
    pause = np.zeros(int(1.5 * SAMPLE_RATE), np.int16)
    parts = []
    for number in range(spans):
        speech = random.normal(0, 1000 + 137 * number, 4 * SAMPLE_RATE)
        parts += [speech.clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


def undisturbed(recorded: bytes) -> str:
    """The text that the stub hears in a recording, worked out here and without a worker."""
    with wave.open(BytesIO(recorded)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    stub = StubRecogniser()
    voice_activity = stub.voice_activity()
    spans = voice_activity.feed(samples) + voice_activity.finish()
    words = [
        Word(word.word, span.start / SAMPLE_RATE + word.start, span.start / SAMPLE_RATE + word.end)
        for span, heard in zip(
            spans,
            stub.recognise([samples[span.start : span.end] for span in spans], EMPTY_REQUEST),
            strict=True,
        )
        for word in heard.words
    ]
    return assemble(
        words,
        stub.punctuate([word.word for word in words]),
        duration=len(samples) / SAMPLE_RATE,
        language="zh",
        model="stub",
        warnings=[],
    ).text


class FaultyInstallation(Installation):
    """Its workers' batches hold 5 s."""

    max_attempts = 3

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.faults = Faults(stack.folder / "faults")
        self.step_log = StepLog(stack.folder / "step_log")
        self._texts: dict[str, str] = {}

    def broken_promises(self) -> list[str]:
        """Over all jobs, each of which must have ended by now."""
        with self.db.reading() as session:
            completed = session.execute(
                select(Recording.sha256, Recording.blob_key)
                .join(Job, Job.recording_id == Recording.id)
                .where(Job.status == JobStatus.COMPLETED.value)
            ).all()
        for sha256, blob_key in completed:
            if sha256 not in self._texts:
                with self.blobs.open_range(blob_key) as kept:
                    self._texts[sha256] = undisturbed(b"".join(iter(lambda: kept.read(2**20), b"")))
        return breaches(self.db, texts=self._texts, max_attempts=self.max_attempts)

    def wait_until_all_are(
        self, status: JobStatus, job_ids: Iterable[str], *, seconds: float = 300
    ) -> None:
        for job_id in job_ids:
            ended = self.wait_until_over(job_id, seconds=seconds)
            assert ended == status, f"{job_id} is {ended}\n{self.logs()}"

    def logs(self) -> str:
        return "\n".join(
            f"--- {service.log_path.name}\n{service.log}" for service in self.stack.services
        )

    def start_worker(
        self,
        name: str = "worker",
        *,
        supervised: bool = False,
        under: Sequence[str] = (),
        **env: str,
    ) -> Service:
        """`supervised`: started again whenever it ends, until the service is told to stop. `under`:
        a command that runs the worker's, which comes after it."""
        given = {
            "FAULTS": str(self.faults.folder),
            "STEP_LOG": str(self.step_log.path),
            "LONGSCRIBE_BATCH_SIZE_S": "5",
        } | env
        return self.stack.start_worker(
            name,
            options=["--include", "tests.support.doubles.faulty_worker"],
            under=[sys.executable, "-m", "tests.chaos.machinery.supervisor"]
            if supervised
            else under,
            **given,
        )

    def outcomes(self, job_id: str) -> list[tuple[str | None, str | None]]:
        """How each attempt ended, and its error's code."""
        attempts = self.view(job_id).job.attempts
        return [(attempt.outcome, attempt.error_code) for attempt in attempts]

    def texts(self, job_ids: Iterable[str]) -> list[str]:
        return [self.transcript(job_id).text for job_id in job_ids]

    def watch_files(self) -> list[Path]:
        return list((self.stack.folder / "data" / "watch").iterdir())
