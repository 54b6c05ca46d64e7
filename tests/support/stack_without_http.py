"""Submitting to a stack and watching, without HTTP: rows, blobs and the doorbell."""

from __future__ import annotations

import contextlib
import os
import wave
from io import BytesIO
from pathlib import Path

from shared import jobs
from shared.celery_doorbell import make_ringing_celery, ring
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.states import TERMINAL, JobStatus
from shared.storage.local.folder import LocalFolder
from shared.transcripts.values import Transcript
from tests.support.stack import NOBODY_DIES, Stack, children, wait_for
from worker.recogniser import SAMPLE_RATE, Pcm


def as_wav(samples: Pcm, channels: int = 1) -> bytes:
    """A WAV file of 16 kHz samples, interleaved where there are several channels."""
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


class Installation:
    """Actions of a test on a stack, and its observations."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.db = Database(stack.database_url)
        self.blobs = LocalFolder(stack.folder / "data" / "recordings", min_free_bytes=0)
        self.celery = make_ringing_celery(
            Settings(redis_url=stack.environment["LONGSCRIBE_REDIS_URL"])  # type: ignore[arg-type]
        )

    def submit(
        self,
        recording: bytes,
        *,
        filename: str = "meeting.wav",
        doorbell: bool = True,
        model: str | None = None,
    ) -> str:
        with self.blobs.receive(max_bytes=2**40) as incoming:
            incoming.write(recording)
            blob = incoming.keep()
        job_id = jobs.submit(
            self.db, owner_id=LOCAL_OWNER, blob=blob, filename=filename, model=model
        ).job_id
        if doorbell:
            assert ring(self.celery, job_id, model)
        return job_id

    def view(self, job_id: str) -> jobs.JobView:
        return jobs.get_job(self.db, owner_id=LOCAL_OWNER, job_id=job_id)

    def status(self, job_id: str) -> JobStatus:
        return JobStatus(self.view(job_id).job.status)

    def transcript(self, job_id: str) -> Transcript:
        return jobs.get_transcript(self.db, owner_id=LOCAL_OWNER, job_id=job_id)

    def wait_until(self, job_id: str, *statuses: JobStatus, seconds: float = 180) -> JobStatus:
        wait_for(
            lambda: self.status(job_id) in statuses,
            seconds=seconds,
            what=f"{job_id} to be {statuses}",
        )
        return self.status(job_id)

    def wait_until_over(self, job_id: str, *, seconds: float = 180) -> JobStatus:
        return self.wait_until(job_id, *TERMINAL, seconds=seconds)

    def batches(self, job_id: str) -> int:
        """Number of batches that the last attempt has committed by now."""
        attempts = self.view(job_id).job.attempts
        return attempts[-1].batches if attempts else 0

    def wait_for_progress(self, job_id: str, share: float) -> None:
        wait_for(lambda: self.view(job_id).job.progress >= share, what=f"progress of {share}")


def transcribed(stack: Stack, model: str, recording: bytes) -> Transcript:
    """Transcribe a recording by a worker with `model` as LONGSCRIBE_MODEL."""
    worker = stack.start_worker(LONGSCRIBE_MODEL=model, **NOBODY_DIES)
    installation = Installation(stack)
    try:
        job_id = installation.submit(recording)
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
        return installation.transcript(job_id)
    finally:
        installation.db.dispose()


def model_processes(worker_pid: int) -> list[int]:
    """The children of a worker that load the model, or have: Celery's pool."""

    def title(pid: int) -> str:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text()
        return ""

    return [pid for pid in children(worker_pid) if "billiard.spawn" in title(pid)]


def model_process(worker_pid: int) -> int:
    """The child of a worker that has loaded the model: the largest of its children."""

    def resident(pid: int) -> int:
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        return 0

    return max(children(worker_pid), key=resident)
