"""The batch plan of a job and its results, kept as they come.

A recording is planned window by window while it is still being decoded.  Each window's spans and
batches are stored before the first of them is recognised, and each batch with its words when it is
done, so that an attempt after a crash forms the same batches and repeats none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session, undefer

from shared.db import Database
from shared.errors import RecognitionFailed
from shared.jobs.claim import Claim
from shared.jobs.events import record, record_once
from shared.jobs.lease import refuse, renew
from shared.jobs.running_attempt import Usage, event_of, set_attempt
from shared.jobs.transition import changes_one_row
from shared.models import Attempt, Checkpoint, Job, Segment
from shared.states import EventKind


@dataclass(frozen=True, slots=True)
class PlannedSegment:
    """A span of the recording, in samples, and the number of its batch."""

    start_sample: int
    end_sample: int
    batch: int


StoredWord = tuple[str, float, float, float | None]
"""A word, its start and end in seconds of the recording, and its confidence."""


@dataclass(frozen=True, slots=True)
class RecognisedSegment:
    """`words` is None while it is not yet done; `voices` are those of its pieces, packed by the
    worker, where the job asks who speaks; `language` is what is spoken, where that is known;
    `was_cut` tells of a loop that the recogniser cut off."""

    start_sample: int
    end_sample: int
    batch: int
    words: list[StoredWord] | None
    voices: bytes | None = None
    language: str | None = None
    was_cut: bool = False


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """Plan stored by earlier attempts, in order of time; `complete` if up to the recording's
    end."""

    segments: list[RecognisedSegment]
    complete: bool


NO_PLAN = StoredPlan([], complete=False)


def stored_plan(db: Database, claim: Claim, plan_key: str) -> StoredPlan:
    """The plan under this key, with the words of the segments that are done; NO_PLAN if there is
    none."""
    with db.reading() as session:
        job = session.execute(
            select(Job.plan_key, Job.planned_segments).where(Job.id == claim.job_id)
        ).one()
        if job.plan_key != plan_key:
            return NO_PLAN
        segments = session.scalars(
            select(Segment)
            .where(Segment.job_id == claim.job_id, Segment.plan_key == plan_key)
            .options(undefer(Segment.voices))
            .order_by(Segment.start_sample)
        )
        return StoredPlan(
            [
                RecognisedSegment(
                    segment.start_sample,
                    segment.end_sample,
                    segment.batch,
                    None
                    if segment.words is None
                    else [_stored_word(*word) for word in segment.words],
                    segment.voices,
                    segment.language,
                    bool(segment.was_cut),
                )
                for segment in segments
            ],
            complete=job.planned_segments is not None,
        )


def _stored_word(
    word: str, start: float, end: float, confidence: float | None = None
) -> StoredWord:
    """Give a word as a row holds it; one that an older version stored has no confidence."""
    return word, start, end, confidence


def drop_plan(db: Database, claim: Claim) -> None:
    """Forget what was planned and recognised: it no longer fits the recording's spans."""
    with db.writing() as session:
        renew(session, claim, plan_key=None, planned_segments=None)
        _discard_segments(session, claim)


def _discard_segments(session: Session, claim: Claim) -> None:
    """Delete the job's segments and checkpoints, and mark earlier attempts, whose counts belong to
    those segments, as discarded."""
    session.execute(delete(Segment).where(Segment.job_id == claim.job_id))
    session.execute(delete(Checkpoint).where(Checkpoint.job_id == claim.job_id))
    session.execute(
        update(Attempt)
        .where(Attempt.job_id == claim.job_id, Attempt.fence < claim.fence)
        .values(discarded=True)
        .execution_options(synchronize_session=False)
    )
    record(session, claim.job_id, event_of(claim, EventKind.DISCARDED))


def store_plan(
    db: Database,
    claim: Claim,
    plan_key: str,
    segments: Sequence[PlannedSegment],
    *,
    complete: bool,
) -> None:
    """Add a window to the plan; `complete` with the last one.

    The first window under a new key drops the segments of another model or other options.
    """
    with db.writing() as session:
        known = session.scalar(select(Job.plan_key).where(Job.id == claim.job_id))
        renew(session, claim, plan_key=plan_key)
        if known is not None and known != plan_key:
            _discard_segments(session, claim)
        if segments:
            session.execute(
                insert(Segment),
                [
                    {"job_id": claim.job_id, "plan_key": plan_key, **asdict(segment)}
                    for segment in segments
                ],
            )
        planned = None
        if complete:
            planned, batches = session.execute(
                select(func.count(), func.count(Segment.batch.distinct())).where(
                    Segment.job_id == claim.job_id
                )
            ).one()
            record_once(
                session,
                claim.job_id,
                event_of(claim, EventKind.PLANNED, segments=planned, batches=batches),
            )
        session.execute(
            update(Job)
            .where(Job.id == claim.job_id)
            .values(planned_segments=planned)
            .execution_options(synchronize_session=False)
        )


def save_batch(
    db: Database,
    claim: Claim,
    segments: Sequence[RecognisedSegment],
    *,
    progress: float,
    usage: Usage | None = None,
    computed_samples: int | None = None,
) -> None:
    """Commit one forward pass: its words, what is counted of it, the progress and the lease,
    together or not at all.

    `computed_samples` are those that the network computed on; None: each segment was filled up to
    the longest.
    """
    lengths = [segment.end_sample - segment.start_sample for segment in segments]
    padded = computed_samples
    if padded is None:
        padded = len(lengths) * max(lengths, default=0)
    with db.writing() as session:
        renew(session, claim, progress=progress)
        for segment in segments:
            planned = update(Segment).where(
                Segment.job_id == claim.job_id,
                Segment.start_sample == segment.start_sample,
                Segment.end_sample == segment.end_sample,
            )
            recognised = planned.values(
                words=segment.words,
                voices=segment.voices,
                language=segment.language,
                was_cut=segment.was_cut or None,
                fence=claim.fence,
            )
            if not changes_one_row(session, recognised):
                raise RecognitionFailed("A batch held a segment that was never planned.")
        set_attempt(
            session,
            claim,
            batches=Attempt.batches + 1,
            speech_samples=Attempt.speech_samples + sum(lengths),
            padded_samples=Attempt.padded_samples + padded,
            largest_batch_samples=case(
                (Attempt.largest_batch_samples < padded, padded),
                else_=Attempt.largest_batch_samples,
            ),
            **({} if usage is None else asdict(usage)),
        )


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
        refuse(session, claim)
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
