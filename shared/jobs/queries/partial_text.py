"""Text that a running job has recognised so far: words without punctuation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select

from shared.db import Database
from shared.errors import JobNotFound
from shared.models import Job, Segment
from shared.transcripts.values import SAMPLE_RATE, join_text
from shared.words.replacements.job_replacements import replacements_of
from shared.words.replacements.matching import NO_REPLACEMENTS


@dataclass(frozen=True, slots=True)
class RecognisedText:
    """A segment's words, glued as they are written, with the job's replacements. Times are seconds
    of the recording."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class PartialText:
    """Segments that a job has recognised by now, in order of time, and the batch to continue
    from."""

    plan: str
    """Key of the plan. A different one than before means: the earlier text was dropped, and this is
    all there is now."""
    next_batch: int
    """First batch that may be missing; all before it are in what was given."""
    segments: list[RecognisedText]


@dataclass(frozen=True, slots=True)
class Heard:
    """Position of a listener in the text: the samples between which the last segment sent lies."""

    start: int = -1
    end: int = -1


def next_text(
    db: Database, *, owner_id: str, job_id: str, after: Heard
) -> tuple[list[RecognisedText], Heard]:
    """The recognised segments after those that were heard, up to the first that is yet to be
    recognised: in order of time, and none again whatever is recognised anew.  Raises JobNotFound.
    """
    with db.reading() as session:
        row = session.execute(
            select(Job.plan_key).where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
        if row is None:
            raise JobNotFound
        planned = (Segment.job_id == job_id) & (Segment.plan_key == (row.plan_key or ""))
        first_open = session.scalar(
            select(func.min(Segment.start_sample)).where(planned, Segment.words.is_(None))
        )
        known = planned & Segment.words.is_not(None) & _after(after)
        if first_open is not None:
            known &= Segment.start_sample < first_open
        rows = session.execute(
            select(Segment.start_sample, Segment.end_sample, Segment.words)
            .where(known)
            .order_by(Segment.start_sample, Segment.end_sample)
        ).all()
        replacements = replacements_of(session, job_id) if rows else NO_REPLACEMENTS
    if not rows:
        return [], after
    texts = [
        RecognisedText(
            row.start_sample / SAMPLE_RATE,
            row.end_sample / SAMPLE_RATE,
            replacements.apply(join_text(word for word, *_ in row.words)),
        )
        for row in rows
        if row.words
    ]
    return texts, Heard(rows[-1].start_sample, rows[-1].end_sample)


def _after(heard: Heard) -> ColumnElement[bool]:
    same = and_(Segment.start_sample == heard.start, Segment.end_sample > heard.end)
    return or_(Segment.start_sample > heard.start, same)


def partial_text(
    db: Database, *, owner_id: str, job_id: str, plan: str = "", from_batch: int = 0
) -> PartialText:
    """Read the text of the batches of `plan` from `from_batch` on; of another plan, everything.

    A job's batches are recognised in the order of their numbers, and one that ran out of memory
    is committed in parts, so the last one seen is given again.  Raises JobNotFound.
    """
    with db.reading() as session:
        row = session.execute(
            select(Job.plan_key).where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
        if row is None:
            raise JobNotFound
        now = row.plan_key or ""
        rows = session.execute(
            select(Segment.start_sample, Segment.end_sample, Segment.batch, Segment.words)
            .where(
                Segment.job_id == job_id,
                Segment.plan_key == now,
                Segment.words.is_not(None),
                Segment.batch >= (from_batch if plan == now else 0),
            )
            .order_by(Segment.start_sample)
        ).all()
        replacements = replacements_of(session, job_id) if rows else NO_REPLACEMENTS
    return PartialText(
        plan=now,
        next_batch=max((row.batch for row in rows), default=from_batch if plan == now else 0),
        segments=[
            RecognisedText(
                row.start_sample / SAMPLE_RATE,
                row.end_sample / SAMPLE_RATE,
                replacements.apply(join_text(word for word, *_ in row.words)),
            )
            for row in rows
            if row.words
        ],
    )
