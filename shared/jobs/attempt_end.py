"""The end of an attempt, however it ended: completed, failed, cancelled, given back, or lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import LongscribeError
from shared.jobs.claim import Claim
from shared.jobs.events import NewEvent, error_detail
from shared.jobs.hotwords import store_found_hotwords
from shared.jobs.lease import refuse
from shared.jobs.resumable_plan import require_all_recognised
from shared.jobs.running_attempt import event_of, hold_jobs_of_recording
from shared.jobs.transition import move
from shared.models import (
    Attempt,
    Checkpoint,
    Job,
    Recording,
    Segment,
    StoredTranscript,
    StoredVoiceMap,
)
from shared.quotas.monthly import give_back_undecoded
from shared.search.texts import store_text
from shared.speakers import VoiceMap
from shared.speakers.kept.voice_keeping import store_group_voices
from shared.states import TERMINAL, AttemptOutcome, EventKind, JobStatus
from shared.transcripts.rules import store_rule_texts, texts_after_rules
from shared.transcripts.values import Transcript
from shared.words.replacements.ended_groups import drop_ended, hold_ended
from shared.words.rules import rule_texts


def end_attempt(
    session: Session,
    job_id: str,
    fence: int,
    outcome: AttemptOutcome,
    to_status: JobStatus,
    *events: NewEvent,
    error: LongscribeError | None = None,
    of_job: Mapping[str, Any] | None = None,
    of_attempt: Mapping[str, Any] | None = None,
) -> bool:
    """End the attempt with this fence and move its job to `to_status`, with what is written of
    both; the job becomes failed because of `error`.

    False, and nothing is written, if the attempt does not hold the job any more.  Every end of an
    attempt goes through here.
    """
    moves: dict[str, Any] = {"stage": None, "lease_expires_at": None}
    if to_status in TERMINAL:
        moves["completed_at"] = database_now()
    if to_status is JobStatus.FAILED and error is not None:
        moves |= {"error_code": error.code, "error_message": error.message}
    from_status = JobStatus.CANCELLING if to_status is JobStatus.CANCELLED else JobStatus.PROCESSING
    if not move(
        session,
        job_id,
        from_status,
        to_status,
        *events,
        fence=fence,
        **(moves | dict(of_job or {})),
    ):
        return False
    if to_status is JobStatus.FAILED:
        give_back_undecoded(session, job_id)
    ends: dict[str, Any] = {
        "outcome": outcome.value,
        "ended_at": database_now(),
        "error_code": error.code if error else None,
        "error_message": error.message if error else None,
    }
    ends |= of_attempt or {}
    session.execute(
        update(Attempt)
        .where(Attempt.job_id == job_id, Attempt.fence == fence)
        .values(**ends)
        .execution_options(synchronize_session=False)
    )
    return True


def requeued(*, delay_s: float = 0.0, counts_as_failed: bool) -> dict[str, Any]:
    """Column values by which `end_attempt` puts a job back into the queue, at the place of its age;
    no worker takes it within `delay_s`."""
    columns: dict[str, Any] = {"available_at": database_now(delay_s)}
    if counts_as_failed:
        columns["failed_attempts"] = Job.failed_attempts + 1
    return columns


def failures_with_this(session: Session, job_id: str, max_attempts: int) -> tuple[int, int]:
    """Number of attempts that were lost or ended in a passing error, this one included, and the
    number at which the job fails for good.

    Once its words are there at least two are allowed, for the last one leaves out what may have
    ended the others.
    """
    failed_before = session.scalar(select(Job.failed_attempts).where(Job.id == job_id)) or 0
    words_are_there = session.scalar(
        select(Checkpoint.job_id).where(Checkpoint.job_id == job_id).limit(1)
    )
    allowed = max_attempts if words_are_there is None else max(max_attempts, 2)
    return failed_before + 1, allowed


def finish(
    db: Database,
    claim: Claim,
    transcript: Transcript,
    *,
    voice_map: VoiceMap | None = None,
    group_voices: bytes | None = None,
    hotwords_found: list[tuple[str, int]] | None = None,
    peak_bytes: int | None = None,
) -> None:
    """Store the transcript, what rules change of it, what its speakers are told apart by and which
    hotwords stand in it, and complete the job, in one transaction.

    `group_voices`, the mean voice of each group of the map, are stored only where the owner lets
    voices be kept.
    Raises RecognitionFailed if a planned segment has no result.
    """
    ruled = rule_texts(db, claim.job_id, transcript)  # before SQLite's one writer is held up by it
    with db.writing() as session:
        require_all_recognised(session, claim)
        _end(
            session,
            claim,
            AttemptOutcome.COMPLETED,
            JobStatus.COMPLETED,
            event_of(claim, EventKind.COMPLETED, sentences=len(transcript.sentences)),
            of_job={
                "progress": 1.0,
                "warnings": list(transcript.warnings),
                "low_confidence_share": transcript.low_confidence_share,
                "error_code": None,
                "error_message": None,
            },
            # Without a figure at the end, that of the last batch stays.
            of_attempt={} if peak_bytes is None else {"peak_bytes": peak_bytes},
        )
        session.add(StoredTranscript(job_id=claim.job_id, content=transcript.to_json()))
        store_rule_texts(session, claim.job_id, ruled)
        store_text(session, claim.job_id, texts_after_rules(transcript, ruled))
        session.execute(delete(Checkpoint).where(Checkpoint.job_id == claim.job_id))
        if hotwords_found is not None:
            store_found_hotwords(session, claim, hotwords_found)
        if voice_map is not None:
            session.add(StoredVoiceMap(job_id=claim.job_id, content=voice_map.to_json()))
            # The map has all that is asked of them from now on, in a twentieth of the room.
            session.execute(
                update(Segment)
                .where(Segment.job_id == claim.job_id, Segment.voices.is_not(None))
                .values(voices=None)
                .execution_options(synchronize_session=False)
            )
            if group_voices:
                store_group_voices(session, claim.job_id, voice_map.encoder, group_voices)
        drop_ended(session, hold_ended(session, [claim.job_id]))


def fail(db: Database, claim: Claim, error: LongscribeError) -> None:
    """End the job: another attempt would end the same way."""
    with db.writing() as session:
        _fail(session, claim, error)


def retry_later(
    db: Database, claim: Claim, error: LongscribeError, *, max_attempts: int, delay_s: float
) -> None:
    """Queue the job again after an error that may pass; fail it when attempts run out."""
    with db.writing() as session:
        failures, allowed = failures_with_this(session, claim.job_id, max_attempts)
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
        _end(
            session,
            claim,
            AttemptOutcome.RETRYING,
            JobStatus.QUEUED,
            retrying,
            error=error,
            of_job=requeued(delay_s=delay_s, counts_as_failed=True),
        )


def release(db: Database, claim: Claim) -> None:
    """Give the job back untouched, because this worker received a stop signal."""
    with db.writing() as session:
        _end(
            session,
            claim,
            AttemptOutcome.RELEASED,
            JobStatus.QUEUED,
            event_of(claim, EventKind.RELEASED),
            of_job=requeued(counts_as_failed=False),
        )


def give_back(
    db: Database,
    claim: Claim,
    error: LongscribeError,
    *,
    delay_s: float,
    longest_delay_s: float,
    most: int | None = None,
    length_s: float | None = None,
) -> None:
    """Queue the job again after something around it failed; this costs no attempt.  The `most`th
    time that the same happens it is failed.

    It waits `delay_s`, and twice as long each time that the same happens to it again, up to
    `longest_delay_s`.  `length_s`: how long the recording turned out to be, where only that was
    learned of it.
    """
    with db.writing() as session:
        if length_s is not None:
            hold_jobs_of_recording(session, claim.blob_key)
        before = _given_back(session, claim.job_id, error.code)
        if most is not None and before + 1 >= most:
            _fail(session, claim, error)
            return
        delay_s = min(longest_delay_s, delay_s * 2 ** min(before, 20))
        _end(
            session,
            claim,
            AttemptOutcome.RELEASED,
            JobStatus.QUEUED,
            event_of(claim, EventKind.RELEASED, **error_detail(error), delay_s=delay_s),
            error=error,
            of_job=requeued(delay_s=delay_s, counts_as_failed=False),
        )
        if length_s is not None:
            session.execute(
                update(Recording)
                .where(Recording.blob_key == claim.blob_key, Recording.duration_s.is_(None))
                .values(estimated_s=length_s)
                .execution_options(synchronize_session=False)
            )


def _given_back(session: Session, job_id: str, code: str) -> int:
    """Number of attempts given back because of `code` since the job was last asked for."""
    count = session.scalar(
        select(func.count())
        .select_from(Attempt)
        .join(Job, Job.id == Attempt.job_id)
        .where(
            Attempt.job_id == job_id,
            Attempt.error_code == code,
            Attempt.started_at >= Job.queued_at,
        )
    )
    return count or 0


def cancelled(db: Database, claim: Claim) -> None:
    """Mark the job as cancelled: its attempt has stopped, as a person asked."""
    with db.writing() as session:
        _end(
            session,
            claim,
            AttemptOutcome.CANCELLED,
            JobStatus.CANCELLED,
            event_of(claim, EventKind.CANCELLED),
        )


def _fail(session: Session, claim: Claim, error: LongscribeError) -> None:
    failed = event_of(claim, EventKind.FAILED, **error_detail(error))
    _end(session, claim, AttemptOutcome.FAILED, JobStatus.FAILED, failed, error=error)


def _end(
    session: Session,
    claim: Claim,
    outcome: AttemptOutcome,
    to_status: JobStatus,
    event: NewEvent,
    *,
    error: LongscribeError | None = None,
    of_job: Mapping[str, Any] | None = None,
    of_attempt: Mapping[str, Any] | None = None,
) -> None:
    """End an attempt that its own worker ends, under the write's name. Raises as `refuse` does."""
    if not end_attempt(
        session,
        claim.job_id,
        claim.fence,
        outcome,
        to_status,
        event,
        error=error,
        of_job=of_job,
        of_attempt={"last_write": claim.write} | dict(of_attempt or {}),
    ):
        refuse(session, claim)
