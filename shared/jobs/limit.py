"""How much audio may wait. Beyond that a submission is refused, since its turn would come too
late to be of use and its bytes would fill the disk until then."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import QueueFull
from shared.jobs.eta.throughput import (
    alive,
    audio_seconds_sql,
    estimate_audio_s,
    learned_throughput,
)
from shared.models import Job, Recording
from shared.states import JobStatus

_ONE_AT_A_TIME = 0x6C6F6E67_73637269
"""The key of PostgreSQL's lock, ours alone in the database."""

_RETRY_AT_LEAST_S, _RETRY_AT_MOST_S = 5.0, 3600.0
_RETRY_UNKNOWN_S = 60.0
"""Nothing was learned yet, or no worker lives."""


@dataclass(frozen=True, slots=True)
class QueueLimit:
    """`most_s`: seconds of audio that may wait, 0 for any number.

    `longest_s` is what a single recording is counted as at most, `seen_within_s` how long a
    worker counts as alive after it reported itself.
    """

    most_s: float
    longest_s: float
    seen_within_s: float


def require_room(
    db: Database,
    limit: QueueLimit,
    *,
    filename: str,
    size_bytes: int,
    owner_id: str,
    idempotency_key: str | None,
) -> bool:
    """Refuse a submission before its bytes are read, as far as can be told by then.

    `submit` decides.  A key that made a job already passes: its answer must be given again.
    Whether that is so is returned.  Raises QueueFull.
    """
    with db.reading() as session:
        if idempotency_key is not None and session.scalar(
            select(Job.id).where(Job.owner_id == owner_id, Job.idempotency_key == idempotency_key)
        ):
            return True
        if not limit.most_s:
            return False
        length_s = estimate_audio_s(
            session, filename=filename, size_bytes=size_bytes, longest_s=limit.longest_s
        )
        refuse_beyond(session, limit, length_s)
    return False


def one_at_a_time(session: Session, db: Database) -> None:
    """Hold a lock until this transaction ends, so that no other submission counts what waits: of
    two that would both fit alone, the second sees the first.  SQLite has one writer anyway."""
    if not db.is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


def refuse_beyond(session: Session, limit: QueueLimit, length_s: float) -> None:
    """Check that so much more audio stays within the limit. Raises QueueFull if not.

    Into an empty queue any recording goes, or one longer than the limit would never be taken.
    """
    waiting_s = _waiting_audio_s(session)
    if not waiting_s or waiting_s + length_s <= limit.most_s:
        return
    _, slots = alive(session, within_s=limit.seen_within_s)
    raise QueueFull(
        f"{waiting_s / 3600:,.1f} hours of audio wait here already, and this server lets "
        f"{limit.most_s / 3600:,.4g} wait. It was not taken; submit it again later. The operator "
        "can start another worker or raise LONGSCRIBE_MAX_QUEUED_HOURS.",
        retry_after_s=retry_after_s(
            # A recording that can only go into an empty queue waits for all to leave.
            min(waiting_s, waiting_s + length_s - limit.most_s),
            learned_throughput(session),
            slots,
        ),
    )


def waiting_audio_s(db: Database) -> float:
    """Seconds of audio that wait, as far as their lengths are known or guessed."""
    with db.reading() as session:
        return _waiting_audio_s(session)


def _waiting_audio_s(session: Session) -> float:
    waiting_s = session.scalar(
        select(func.sum(audio_seconds_sql()))
        .select_from(Job)
        .join(Recording, Recording.id == Job.recording_id)
        .where(Job.status == JobStatus.QUEUED.value)
    )
    return float(waiting_s or 0.0)


def retry_after_s(excess_s: float, throughput: float | None, slots: int) -> float:
    """Wall seconds until workers have taken so much audio out of the queue."""
    if not throughput or not slots:
        return _RETRY_UNKNOWN_S
    return min(max(excess_s / (throughput * slots), _RETRY_AT_LEAST_S), _RETRY_AT_MOST_S)
