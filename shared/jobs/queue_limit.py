"""Limits on the audio that may wait, in all and of one owner. Beyond that a submission is refused,
since its turn would come too late to be of use and its bytes would fill the disk until then."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import hold_lock
from shared.errors import QueueFull
from shared.jobs.eta.throughput import (
    estimate_audio_s,
    learned_throughput,
    slots_alive,
)
from shared.jobs.tallies.counts import audio_by_owner, counted
from shared.models import Job
from shared.quotas.errors import QueueHoursShareFull, QueueShareFull
from shared.quotas.limits import (
    UNLIMITED,
    Allowance,
    OwnerLimits,
    allowance,
    owner_limits,
    share_of,
)
from shared.quotas.monthly import refuse_beyond_quota
from shared.settings import Settings
from shared.states import JobStatus

_ONE_AT_A_TIME = 0x6C6F6E67_73637269
"""The key of PostgreSQL's lock, ours alone in the database."""

_RETRY_AT_LEAST_S, _RETRY_AT_MOST_S = 5.0, 3600.0
_RETRY_UNKNOWN_S = 60.0
"""Seconds after which to try again where no speed was learned yet, or no worker lives."""


@dataclass(frozen=True, slots=True)
class QueueLimit:
    """Bounds on the waiting audio. `most_s`: seconds of audio that may wait, 0 for any number.

    `longest_s` is what a single recording is counted as at most, `seen_within_s` how long a
    worker counts as alive after it reported itself. `owner` bounds what a single owner may have
    waiting.
    """

    most_s: float
    longest_s: float
    seen_within_s: float
    owner: OwnerLimits = UNLIMITED


def queue_limit_of(settings: Settings) -> QueueLimit:
    """The queue limit of the settings."""
    return QueueLimit(
        most_s=settings.max_queued_hours * 3600,
        longest_s=settings.max_audio_s,
        seen_within_s=settings.worker_seen_within_s,
        owner=owner_limits(settings),
    )


NO_LIMIT = QueueLimit(most_s=0.0, longest_s=math.inf, seen_within_s=0.0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Allowances of an owner and their use, in waiting jobs and in waiting seconds of audio."""

    jobs: Allowance
    audio_s: Allowance


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
    Whether that is so is returned.  Raises QueueFull, QueueShareFull or
    MonthlyQuotaUsed.
    """
    with db.reading() as session:
        if idempotency_key is not None and session.scalar(
            select(Job.id).where(Job.owner_id == owner_id, Job.idempotency_key == idempotency_key)
        ):
            return True
        if limit == NO_LIMIT:
            return False
        length_s = estimate_audio_s(
            session, filename=filename, size_bytes=size_bytes, longest_s=limit.longest_s
        )
        refuse_beyond(session, limit, owner_id, length_s)
        refuse_beyond_quota(session, limit.owner, owner_id, length_s)
    return False


def one_at_a_time(session: Session) -> None:
    """Hold a lock until this transaction ends, so that no other submission counts what waits: of
    two that would both fit alone, the second sees the first."""
    hold_lock(session, _ONE_AT_A_TIME)


def refuse_beyond(
    session: Session, limit: QueueLimit, owner_id: str, length_s: float, *, is_new: bool = True
) -> None:
    """Check that one more job of such a length stays within the limits of the queue, unless it was
    accepted before, and of its owner. Raises QueueFull or QueueShareFull.

    Into an empty queue any recording goes, or one longer than the limit would never be taken.
    Likewise an owner without a waiting job may have one of any length.
    """
    share = share_of(session, limit.owner, owner_id) if limit.most_s else 1.0
    in_all_s = _waiting_audio_s(session) if limit.most_s and (is_new or share < 1) else 0.0
    if is_new and limit.most_s:
        _refuse_beyond_all(session, limit, in_all_s, length_s)
    waiting = _waiting_of(session, limit, owner_id, share, in_all_s)
    if not waiting.jobs.admits(1):
        one_s = waiting.audio_s.held / waiting.jobs.held
        raise QueueShareFull(waiting.jobs, free_in_s=_free_in_s(session, limit, one_s))
    if waiting.jobs.held and not waiting.audio_s.admits(length_s):
        excess_s = waiting.audio_s.held + length_s - (waiting.audio_s.most or 0.0)
        raise QueueHoursShareFull(
            waiting.audio_s,
            wanted=length_s,
            free_in_s=_free_in_s(session, limit, min(excess_s, waiting.audio_s.held)),
        )


def _refuse_beyond_all(
    session: Session, limit: QueueLimit, waiting_s: float, length_s: float
) -> None:
    if not waiting_s or waiting_s + length_s <= limit.most_s:
        return
    raise QueueFull(
        f"{waiting_s / 3600:,.1f} hours of audio wait here already, and this server lets "
        f"{limit.most_s / 3600:,.4g} wait. It was not taken; submit it again later. The operator "
        "can start another worker or raise LONGSCRIBE_MAX_QUEUED_HOURS.",
        retry_after_s=retry_after_s(
            # A recording that can only go into an empty queue waits for all to leave.
            min(waiting_s, waiting_s + length_s - limit.most_s),
            *_speed(session, limit),
        ),
    )


def waiting_of(session: Session, limit: QueueLimit, owner_id: str) -> Waiting:
    """An owner's waiting jobs and audio, and the most that may wait."""
    share = share_of(session, limit.owner, owner_id) if limit.most_s else 1.0
    in_all_s = _waiting_audio_s(session) if share < 1 else 0.0
    return _waiting_of(session, limit, owner_id, share, in_all_s)


def _waiting_of(
    session: Session, limit: QueueLimit, owner_id: str, share: float, in_all_s: float
) -> Waiting:
    held = counted(session, JobStatus.QUEUED, owner_id=owner_id)
    return Waiting(
        jobs=allowance(held.jobs, most=limit.owner.queued_jobs),
        audio_s=allowance(
            held.audio_s,
            most=limit.owner.queued_s,
            share=share,
            left=limit.most_s - in_all_s,
        ),
    )


def _free_in_s(session: Session, limit: QueueLimit, excess_s: float) -> float | None:
    return free_in_s(excess_s, *_speed(session, limit))


def _speed(session: Session, limit: QueueLimit) -> tuple[float | None, int]:
    """Audio seconds that one job works off in a second, and the number of jobs run at once."""
    return learned_throughput(session), slots_alive(session, within_s=limit.seen_within_s)


def waiting_audio_s(db: Database) -> float:
    """Seconds of audio that wait, as far as their lengths are known or guessed."""
    with db.reading() as session:
        return _waiting_audio_s(session)


def waiting_audio_by_owner(db: Database) -> dict[str, float]:
    """Seconds of audio that wait, for each owner that has something waiting."""
    with db.reading() as session:
        return audio_by_owner(session, JobStatus.QUEUED)


def _waiting_audio_s(session: Session) -> float:
    return counted(session, JobStatus.QUEUED).audio_s


def retry_after_s(excess_s: float, throughput: float | None, slots: int) -> float:
    """Seconds after which to try again: `free_in_s` between two bounds, or a fixed time where it is
    not known."""
    seconds = free_in_s(excess_s, throughput, slots)
    if seconds is None:
        return _RETRY_UNKNOWN_S
    return min(max(seconds, _RETRY_AT_LEAST_S), _RETRY_AT_MOST_S)


def free_in_s(excess_s: float, throughput: float | None, slots: int) -> float | None:
    """Wall seconds until workers have taken so much audio out of the queue; None where no worker
    lives or nothing was recognised yet."""
    return excess_s / (throughput * slots) if throughput and slots else None
