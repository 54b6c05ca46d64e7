"""Writes of a worker about its running attempt: its stage, its batch size, what it has used up.

Each write renews the lease first (`shared.jobs.lease`) and raises what that raises.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.db import Database
from shared.jobs.claim import Claim
from shared.jobs.events import NewEvent, record, record_once
from shared.jobs.lease import renew
from shared.models import Attempt, Job, Recording
from shared.quotas.monthly import count_decoded
from shared.states import BatchLimit, EventKind, Stage

_EVENT_OF_STAGE = {
    Stage.PUNCTUATING: EventKind.PUNCTUATING,
    Stage.SAVING: EventKind.SAVING,
}
"""The event that says that a stage has begun. The stages before these have events of their own."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The choice of the batch size and what led to it, as stored with the attempt.

    `shared.models.Attempt` says what each is.
    """

    model: str
    device: str
    dtype: str
    batch_size_s: float
    limited_by: BatchLimit
    length_ceiling_s: float
    sized_for_s: float | None
    memory_cap_s: float | None
    headroom_bytes: int
    jobs_at_once: int
    memory_is_measured: bool
    learned_ceiling_s: float | None
    predicted_peak_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Time and memory used by an attempt so far: totals, not increments since the last report."""

    recognition_s: float
    """Wall seconds in the network."""
    cpu_s: float
    """Processor seconds of the worker's child, all of its threads."""
    peak_bytes: int
    """Largest memory in use at once, the loaded model included."""


def event_of(claim: Claim, kind: EventKind, **detail: Any) -> NewEvent:
    """An event of this attempt, to be recorded."""
    return NewEvent(kind, claim.attempt_number, detail)


def set_attempt(session: Session, claim: Claim, **values: Any) -> None:
    """Set columns of the attempt's own row."""
    session.execute(
        update(Attempt)
        .where(Attempt.job_id == claim.job_id, Attempt.fence == claim.fence)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def hold_jobs_of_recording(session: Session, blob_key: str) -> None:
    """Hold the jobs of a recording whose length is about to change. First in its transaction.

    The tally of each follows the length, so PostgreSQL holds them then, after the recording. All
    others hold a job before its recording, and in one order where they hold several.
    """
    session.execute(
        select(Job.id)
        .join(Recording, Recording.id == Job.recording_id)
        .where(Recording.blob_key == blob_key)
        .order_by(Job.id)
        .with_for_update(key_share=True, of=Job)
    )


def set_stage(
    db: Database,
    claim: Claim,
    stage: Stage,
    *,
    progress: float | None = None,
    duration_s: float | None = None,
    usage: Usage | None = None,
) -> None:
    """Show what the attempt is doing, what it has used up, and how long the recording turned out
    to be."""
    with db.writing() as session:
        if duration_s is not None:
            hold_jobs_of_recording(session, claim.blob_key)
        renew(session, claim, stage=stage.value, progress=progress)
        if usage is not None:
            set_attempt(session, claim, **asdict(usage))
        if duration_s is not None:
            session.execute(
                update(Recording)
                .where(Recording.blob_key == claim.blob_key)
                .values(duration_s=duration_s)
                .execution_options(synchronize_session=False)
            )
            count_decoded(session, claim.blob_key, duration_s)
            record_once(
                session,
                claim.job_id,
                event_of(claim, EventKind.DECODED, duration_s=round(duration_s, 3)),
            )
        if stage in _EVENT_OF_STAGE:
            record_once(session, claim.job_id, event_of(claim, _EVENT_OF_STAGE[stage]))


def note_batch_choice(db: Database, claim: Claim, choice: BatchRecord) -> None:
    """Keep the batch size and what led to it with the attempt."""
    with db.writing() as session:
        renew(session, claim)
        set_attempt(session, claim, **asdict(choice))
        record_once(
            session,
            claim.job_id,
            event_of(claim, EventKind.RECOGNISING, batch_size_s=round(choice.batch_size_s, 3)),
        )


def record_oom_retry(db: Database, claim: Claim, batch_size_s: float) -> None:
    """Count a batch that did not fit and was halved; `batch_size_s` is the ceiling from now on."""
    with db.writing() as session:
        renew(session, claim)
        set_attempt(
            session,
            claim,
            oom_retries=Attempt.oom_retries + 1,
            batch_size_s=batch_size_s,
            limited_by=BatchLimit.LEARNED.value,
            learned_ceiling_s=batch_size_s,
        )
        record(
            session,
            claim.job_id,
            event_of(claim, EventKind.OUT_OF_MEMORY, batch_size_s=round(batch_size_s, 3)),
        )
