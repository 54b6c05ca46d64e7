"""Jobs in any state, brought there by the transitions that bring them there in life."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload, selectinload

from shared import jobs
from shared.db import Database, database_now
from shared.errors import UnsupportedMedia
from shared.models import LOCAL_OWNER, Attempt, Job, Recording
from shared.states import BatchLimit, JobStatus, Stage
from shared.storage.blob_store import StoredBlob
from shared.transcripts.recording_report import RecordingReport
from shared.transcripts.values import Sentence, Transcript, Word

PLAN_KEY = "plan"


class NotedDeletions:
    """Replacement of a BlobStore that notes the keys of the files that are to be deleted."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def delete(self, key: str) -> None:
        self.keys.append(key)


CHOICE = jobs.BatchRecord(
    model="demo",
    device="cpu",
    dtype="float32",
    batch_size_s=300.0,
    limited_by=BatchLimit.LENGTH,
    length_ceiling_s=300.0,
    sized_for_s=60.0,
    memory_cap_s=9000.0,
    headroom_bytes=2**33,
    jobs_at_once=1,
    memory_is_measured=False,
    learned_ceiling_s=None,
    predicted_peak_bytes=2**30,
)

TRANSCRIPT = Transcript(
    duration=12.5,
    language="zh",
    model="demo",
    sentences=(
        Sentence(
            0.5, 1.5, "大家好。", (Word("大", 0.5, 0.8), Word("家", 0.8, 1.1), Word("好", 1.1, 1.5))
        ),
        Sentence(
            2.0,
            2.9,
            "用GPU吗？",
            (Word("用", 2.0, 2.2, 0.98), Word("GPU", 2.2, 2.6, 0.41), Word("吗", 2.6, 2.9, 0.9)),
        ),
    ),
    low_confidence_share=0.3333,
)
"""Transcript whose first sentence is of a recogniser that gives no confidence."""


def a_blob() -> StoredBlob:
    identifier = str(uuid.uuid4())
    return StoredBlob(f"{identifier[-2:]}/{identifier}", 1000, uuid.uuid4().hex * 2)


def submit(db: Database, *, owner_id: str = LOCAL_OWNER, **values: Any) -> str:
    values = {"blob": a_blob(), "filename": "会议.wav", **values}
    return jobs.submit(db, owner_id=owner_id, **values).job_id


def claim(
    db: Database, *, lease_s: float = 60.0, worker: str = "worker", model: str | None = None
) -> jobs.Claim:
    claimed = jobs.claim_next(db, worker=worker, lease_s=lease_s, model=model)
    assert claimed is not None, "nothing to claim"
    return claimed


def complete(
    db: Database,
    claimed: jobs.Claim,
    transcript: Transcript = TRANSCRIPT,
    report: RecordingReport | None = None,
) -> None:
    """Finish an attempt as a worker does, with the report's warnings among the transcript's."""
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.2, duration_s=transcript.duration)
    jobs.store_plan(db, claimed, PLAN_KEY, [], complete=True)
    recognition = jobs.Recognition(transcript.duration, list(transcript.warnings), report)
    jobs.store_recognition(db, claimed, PLAN_KEY, recognition)
    jobs.finish(db, claimed, replace(transcript, warnings=tuple(recognition.warning_codes)))


def recognise(db: Database, claimed: jobs.Claim) -> None:
    """Choose a batch size, plan four segments and commit them in batches of three and one."""
    jobs.note_batch_choice(db, claimed, CHOICE)
    spans = [(0, 16_000), (20_000, 36_000), (40_000, 48_000), (50_000, 58_000)]
    planned = [jobs.PlannedSegment(start, end, 0 if end < 50_000 else 1) for start, end in spans]
    jobs.store_plan(db, claimed, PLAN_KEY, planned, complete=True)
    for number, used in ((0, 0.5), (1, 0.8)):
        batch = [
            jobs.RecognisedSegment(segment.start_sample, segment.end_sample, number, [])
            for segment in planned
            if segment.batch == number
        ]
        usage = jobs.Usage(recognition_s=used, cpu_s=2 * used, peak_bytes=700_000_000)
        jobs.save_batch(db, claimed, batch, progress=0.2 + 0.2 * number, usage=usage)


def a_job(db: Database, status: JobStatus, **values: Any) -> str:
    """A job in `status`. Any other queued job must have been claimed before."""
    job_id = submit(db, **values)
    owner_id = values.get("owner_id", LOCAL_OWNER)
    if status is JobStatus.QUEUED:
        return job_id
    if status is JobStatus.CANCELLED:
        jobs.cancel(db, owner_id=owner_id, job_id=job_id)
        return job_id
    claimed = claim(db)
    assert claimed.job_id == job_id
    if status is JobStatus.COMPLETED:
        complete(db, claimed)
    elif status is JobStatus.FAILED:
        jobs.fail(db, claimed, UnsupportedMedia())
    elif status is JobStatus.CANCELLING:
        jobs.cancel(db, owner_id=owner_id, job_id=job_id)
    return job_id


def delete(db: Database, job_id: str) -> list[str]:
    """Delete a job; the keys of its files, which are not touched."""
    blobs = NotedDeletions()
    jobs.delete(db, blobs, owner_id=LOCAL_OWNER, job_id=job_id)
    return blobs.keys


def status_of(db: Database, job_id: str, *, owner_id: str = LOCAL_OWNER) -> JobStatus:
    return jobs.get_job(db, owner_id=owner_id, job_id=job_id).job.status


def learn(db: Database, *, speed: float, audio_s: float = 600.0, filename: str = "a.wav") -> str:
    """A job that worked off `speed` seconds of audio in a second. Nothing else may be queued."""
    job_id = a_job(db, JobStatus.COMPLETED, filename=filename)
    with db.writing() as session:
        # Asked once: between two readings of a clock some time passes, and eight seconds may not be
        # a hundred-thousandth longer.
        ended_at = session.scalars(select(database_now())).one()
        started_at = ended_at - timedelta(seconds=audio_s / speed)
        session.execute(
            update(Attempt)
            .where(Attempt.job_id == job_id)
            .values(started_at=started_at, ended_at=ended_at)
        )
    _set_length(db, job_id, audio_s)
    return job_id


def _set_length(db: Database, job_id: str, audio_s: float) -> None:
    """As `jobs.set_stage` does: the job is held before its recording, by everybody."""
    recording_id = select(Job.recording_id).where(Job.id == job_id).with_for_update(key_share=True)
    with db.writing() as session:
        of_job = session.scalars(recording_id).one_or_none()  # None where it was deleted meanwhile
        session.execute(update(Recording).where(Recording.id == of_job).values(duration_s=audio_s))


def submit_lasting(db: Database, audio_s: float, **values: Any) -> str:
    """A waiting job whose recording was decoded before, so that its length is known."""
    job_id = submit(db, **values)
    _set_length(db, job_id, audio_s)
    return job_id


def a_worker(
    db: Database,
    name: str = "worker@gpu1",
    *,
    jobs_at_once: int = 1,
    model: str | None = "demo",
    obstacles: Sequence[str] = (),
    gpus: Sequence[jobs.Gpu] = (),
) -> None:
    """A worker that reported itself; without `model` one of a version that takes any job."""
    jobs.note_worker(
        db,
        jobs.WorkerReport(
            name=name,
            hostname="gpu1",
            model=model or "demo",
            model_name=model,
            device="cpu",
            started_at=datetime.now(UTC),
            jobs_at_once=jobs_at_once,
            obstacles=obstacles,
            gpus=jobs.Gpu.write(gpus),
        ),
    )


def view(db: Database, job_id: str, *, owner_id: str = LOCAL_OWNER) -> jobs.JobView:
    return jobs.get_job(db, owner_id=owner_id, job_id=job_id)


def row(db: Database, job_id: str) -> Job:
    """A job's row as it is stored, with its recording and its attempts."""
    with db.reading() as session:
        return session.scalars(
            select(Job)
            .where(Job.id == job_id)
            .options(joinedload(Job.recording), selectinload(Job.attempts))
        ).one()


def told(db: Database, job_id: str) -> list[tuple[str, int | None]]:
    """The job's events: each one's kind and attempt, in order."""
    history = jobs.get_history(db, owner_id=LOCAL_OWNER, job_id=job_id)
    return [(event.kind, event.attempt) for event in history.events]


def expire_lease(db: Database, job_id: str) -> None:
    """Let a job's lease be a minute over."""
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(lease_expires_at=database_now(-60))
        )


def count(db: Database, model: type) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0
