"""What a worker writes while it holds a job. Every statement carries the attempt's fence.

If the lease ran out and the job was given to another, these raise FenceLost and write
nothing.  If a person cancelled the job, they raise Cancelled.

A connection may break while COMMIT runs, and then nobody knows whether it did.  So a write has a
name (`Claim.write`), which it leaves with the attempt in its own transaction: repeated under the
same name it raises AlreadyWritten if it was committed, and else is done.  The first of the two
holds the lock on the job's row until it is over, so the second cannot overtake it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import (
    AlreadyWritten,
    Cancelled,
    FenceLost,
    LongscribeError,
    RecognitionFailed,
)
from shared.jobs.claim import Claim
from shared.jobs.history import NewEvent, error_detail, record, record_once
from shared.jobs.transition import attempts_allowed, changes_one_row, move, requeue
from shared.models import Attempt, Checkpoint, Job, Recording, Segment, StoredTranscript
from shared.states import AttemptOutcome, BatchLimit, EventKind, JobStatus, Stage
from shared.transcripts.search import index_text
from shared.transcripts.values import Transcript

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
    """What an attempt has used up so far: totals, not what was added since the last time."""

    recognition_s: float
    """Wall seconds in the network."""
    cpu_s: float
    """Processor seconds of the worker's child, all of its threads."""
    peak_bytes: int
    """Most memory in use at once, the loaded model included."""


def stop(session: Session, claim: Claim) -> NoReturn:
    """Raise the reason why this attempt may not write any more, be it that it has written this."""
    if claim.write is not None:
        last_write = session.scalar(
            select(Attempt.last_write).where(
                Attempt.job_id == claim.job_id, Attempt.fence == claim.fence
            )
        )
        if last_write == claim.write:
            raise AlreadyWritten
    status = session.scalar(
        select(Job.status).where(Job.id == claim.job_id, Job.fence == claim.fence)
    )
    if status == JobStatus.CANCELLING:
        raise Cancelled
    raise FenceLost


def renew(session: Session, claim: Claim, **values: Any) -> None:
    """Renew the lease and set `values`, if this attempt still holds the job.

    First in each write, once: it raises AlreadyWritten if the same write was committed before.
    """
    progress = values.pop("progress", None)
    if progress is not None:
        # Progress never falls: a resumed attempt decodes again but does not show it.
        values["progress"] = case((Job.progress < progress, progress), else_=Job.progress)
    held = update(Job).where(
        Job.id == claim.job_id,
        Job.fence == claim.fence,
        Job.status == JobStatus.PROCESSING.value,
    )
    lease_expires_at = database_now(claim.lease_s)
    if not changes_one_row(session, held.values(lease_expires_at=lease_expires_at, **values)):
        stop(session, claim)
    if claim.write is not None:
        _sign(session, claim)


def _sign(session: Session, claim: Claim) -> None:
    """Leave the write's name with the attempt. The lock on the job's row is held."""
    unsigned = update(Attempt).where(
        Attempt.job_id == claim.job_id,
        Attempt.fence == claim.fence,
        Attempt.last_write.is_distinct_from(claim.write),
    )
    if not changes_one_row(session, unsigned.values(last_write=claim.write)):
        raise AlreadyWritten


def heartbeat(db: Database, claim: Claim) -> None:
    """Renew the lease and nothing else."""
    with db.writing() as session:
        renew(session, claim)


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
            record_once(
                session,
                claim.job_id,
                event_of(claim, EventKind.DECODED, duration_s=round(duration_s, 3)),
            )
        if stage in _EVENT_OF_STAGE:
            record_once(session, claim.job_id, event_of(claim, _EVENT_OF_STAGE[stage]))


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


def finish(
    db: Database, claim: Claim, transcript: Transcript, *, peak_bytes: int | None = None
) -> None:
    """Store the transcript and complete the job, in one transaction.

    Raises RecognitionFailed if a planned segment has no result.
    """
    with db.writing() as session:
        require_all_recognised(session, claim)
        if not move(
            session,
            claim.job_id,
            JobStatus.PROCESSING,
            JobStatus.COMPLETED,
            event_of(claim, EventKind.COMPLETED, sentences=len(transcript.sentences)),
            fence=claim.fence,
            stage=None,
            progress=1.0,
            completed_at=database_now(),
            lease_expires_at=None,
            warnings=list(transcript.warnings),
            low_confidence_share=transcript.low_confidence_share,
            error_code=None,
            error_message=None,
        ):
            stop(session, claim)
        session.add(StoredTranscript(job_id=claim.job_id, content=transcript.to_json()))
        index_text(session, claim.job_id, transcript.sentences)
        session.execute(delete(Checkpoint).where(Checkpoint.job_id == claim.job_id))
        _end(session, claim, AttemptOutcome.COMPLETED, peak_bytes=peak_bytes)


def require_all_recognised(session: Session, claim: Claim) -> None:
    """Check that every planned segment has its words and that the plan is complete.

    Raises RecognitionFailed if not.
    """
    planned = session.execute(
        select(Job.planned_segments, Job.plan_key).where(
            Job.id == claim.job_id, Job.fence == claim.fence
        )
    ).one_or_none()
    if planned is None:
        stop(session, claim)
    done = session.scalar(
        select(func.count()).where(
            Segment.job_id == claim.job_id,
            Segment.plan_key == planned.plan_key,
            Segment.words.is_not(None),
        )
    )
    if done != planned.planned_segments:
        raise RecognitionFailed(
            f"{planned.planned_segments} segments were planned and {done} recognised."
        )


def _end(
    session: Session,
    claim: Claim,
    outcome: AttemptOutcome,
    error: LongscribeError | None = None,
    *,
    peak_bytes: int | None = None,
) -> None:
    set_attempt(
        session,
        claim,
        outcome=outcome.value,
        ended_at=database_now(),
        last_write=claim.write,
        error_code=error.code if error else None,
        error_message=error.message if error else None,
        # Without a figure at the end, that of the last batch stays.
        **({} if peak_bytes is None else {"peak_bytes": peak_bytes}),
    )


def fail(db: Database, claim: Claim, error: LongscribeError) -> None:
    """End the job: another attempt would end the same way."""
    with db.writing() as session:
        _fail(session, claim, error)


def _fail(session: Session, claim: Claim, error: LongscribeError) -> None:
    if not move(
        session,
        claim.job_id,
        JobStatus.PROCESSING,
        JobStatus.FAILED,
        event_of(claim, EventKind.FAILED, **error_detail(error)),
        fence=claim.fence,
        stage=None,
        completed_at=database_now(),
        lease_expires_at=None,
        error_code=error.code,
        error_message=error.message,
    ):
        stop(session, claim)
    _end(session, claim, AttemptOutcome.FAILED, error)


def retry_later(
    db: Database, claim: Claim, error: LongscribeError, *, max_attempts: int, delay_s: float
) -> None:
    """Queue the job again after an error that may pass; fail it when attempts run out."""
    with db.writing() as session:
        failed_before = session.scalar(select(Job.failed_attempts).where(Job.id == claim.job_id))
        failures = (failed_before or 0) + 1
        allowed = attempts_allowed(session, claim.job_id, max_attempts)
        if failures >= allowed:
            _fail(session, claim, error)
            return
        retrying = event_of(
            claim,
            EventKind.RETRYING,
            **error_detail(error),
            failures=failures,
            of=allowed,
            delay_s=delay_s,
        )
        if not requeue(
            session,
            claim.job_id,
            claim.fence,
            retrying,
            delay_s=delay_s,
            counts_as_failed=True,
        ):
            stop(session, claim)
        _end(session, claim, AttemptOutcome.RETRYING, error)


def release(db: Database, claim: Claim) -> None:
    """Give the job back untouched, because this worker received a stop signal."""
    with db.writing() as session:
        if not requeue(
            session,
            claim.job_id,
            claim.fence,
            event_of(claim, EventKind.RELEASED),
            counts_as_failed=False,
        ):
            stop(session, claim)
        _end(session, claim, AttemptOutcome.RELEASED)


def cancelled(db: Database, claim: Claim) -> None:
    """The attempt has stopped, as a person asked."""
    with db.writing() as session:
        if not move(
            session,
            claim.job_id,
            JobStatus.CANCELLING,
            JobStatus.CANCELLED,
            event_of(claim, EventKind.CANCELLED),
            fence=claim.fence,
            stage=None,
            completed_at=database_now(),
            lease_expires_at=None,
        ):
            stop(session, claim)
        _end(session, claim, AttemptOutcome.CANCELLED)
