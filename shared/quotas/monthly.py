"""The hours of audio that an owner submits in a month, and the quota of them.

A recording counts once, in the month in which it was accepted: first for the length that was told
or estimated, then for its own once it is decoded.  Trying its job again counts nothing, deleting or
cancelling it gives nothing back, and a job that fails before its recording could be decoded gives
back what it counted for.  Another job for a recording that was decoded counts its length once more,
in the month in which it is asked for.  One for a recording that was not takes over what it counts
for (`counted_for`): the job of before, tried again once the other has decoded it, counts once more.
How much a recording counts for stands in its row, `counted_s`, so that each change is made once, in
the transaction that makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.models import Job, MonthlyUsage, Recording, User
from shared.quotas.errors import MonthlyQuotaUsed
from shared.quotas.limits import Allowance, OwnerLimits, allowance

_NOW = select(database_now())


@dataclass(frozen=True, slots=True)
class Month:
    """A month of UTC: its name, as 2026-11, and the seconds until the next begins."""

    name: str
    rest_s: float


def month_of(at: datetime) -> str:
    """The month of a time, by its name.

    >>> month_of(datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    '2026-03'
    """
    return f"{at.astimezone(UTC):%Y-%m}"


def next_month(at: datetime) -> datetime:
    """Start of the month after a time.

    >>> next_month(datetime(2026, 12, 5, tzinfo=UTC)).isoformat()
    '2027-01-01T00:00:00+00:00'
    """
    at = at.astimezone(UTC)
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def current_month(session: Session) -> Month:
    """The present month, by the database's clock."""
    now = session.scalars(_NOW).one()
    return Month(month_of(now), (next_month(now) - now).total_seconds())


def month_allowance(
    session: Session, limits: OwnerLimits, owner_id: str, month: Month
) -> Allowance:
    """Seconds of audio that an owner has submitted in a month, and its quota.

    The quota is the account's own, or else that of the settings; 0 is no quota.
    """
    own = session.scalar(select(User.monthly_audio_s).where(User.id == owner_id))
    used = session.scalar(
        select(MonthlyUsage.audio_s).where(
            MonthlyUsage.owner_id == owner_id, MonthlyUsage.month == month.name
        )
    )
    return allowance(used or 0.0, most=limits.monthly_s if own is None else own)


def refuse_beyond_quota(
    session: Session, limits: OwnerLimits, owner_id: str, length_s: float
) -> None:
    """Check that so much more audio stays within the month's quota. Raises MonthlyQuotaUsed."""
    month = current_month(session)
    used = month_allowance(session, limits, owner_id, month)
    if not used.admits(length_s):
        raise MonthlyQuotaUsed(used, wanted=length_s, free_in_s=month.rest_s)


def count_accepted(session: Session, owner_id: str, length_s: float) -> None:
    """Count a recording that is being accepted, or for another job; the caller notes it in the row
    of either."""
    _add(session, owner_id, current_month(session).name, length_s, recordings=1)


def count_for(session: Session, recording_id: str, job_id: str) -> None:
    """Let what a recording that was not decoded counts for be one job's from now on. The caller
    holds the recording."""
    session.execute(
        update(Recording)
        .where(Recording.id == recording_id)
        .values(counted_for=job_id)
        .execution_options(synchronize_session=False)
    )


def count_retried(
    session: Session, owner_id: str, job_id: str, length_s: float, limits: OwnerLimits | None
) -> None:
    """Count a recording once more for a job that is tried again, where what it counts for went into
    another job's transcript; nothing is refused without `limits`. Raises MonthlyQuotaUsed.

    The caller holds the job and its recording, of which no other job waits or runs.
    """
    row = session.execute(
        select(Recording.id, Recording.duration_s, Recording.counted_for)
        .join(Job, Job.recording_id == Recording.id)
        .where(Job.id == job_id, Job.counted_again.is_not(True))
    ).one_or_none()
    if row is None or row.counted_for in (None, job_id):
        return
    if row.duration_s is None:
        count_for(session, row.id, job_id)
        return
    if limits is not None:
        refuse_beyond_quota(session, limits, owner_id, length_s)
    count_accepted(session, owner_id, length_s)
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(counted_again=True)
        .execution_options(synchronize_session=False)
    )


def count_decoded(session: Session, blob_key: str, duration_s: float) -> None:
    """Let a recording count for its own length from now on."""
    _count_for(session, Recording.blob_key == blob_key, duration_s)


def give_back_undecoded(session: Session, job_id: str) -> None:
    """Let the recording of a job that failed count for nothing, unless it was decoded."""
    recording_id = select(Job.recording_id).where(Job.id == job_id).scalar_subquery()
    _count_for(session, (Recording.id == recording_id) & Recording.duration_s.is_(None), 0.0)


def used_by_owner(db: Database) -> dict[str, float]:
    """Seconds of audio that each owner has submitted this month."""
    with db.reading() as session:
        rows = session.execute(
            select(MonthlyUsage.owner_id, MonthlyUsage.audio_s).where(
                MonthlyUsage.month == current_month(session).name
            )
        )
        return {row.owner_id: row.audio_s for row in rows}


def move_usage(session: Session, from_owner: str, to_owner: str) -> None:
    """Add what one owner has submitted to what another has, month by month."""
    for used in session.execute(
        delete(MonthlyUsage)
        .where(MonthlyUsage.owner_id == from_owner)
        .returning(MonthlyUsage.month, MonthlyUsage.audio_s, MonthlyUsage.recordings)
    ).all():
        _add(session, to_owner, used.month, used.audio_s, recordings=used.recordings)


def _count_for(session: Session, which: object, length_s: float) -> None:
    row = session.execute(
        select(Recording.id, Recording.owner_id, Recording.created_at, Recording.counted_s)
        .where(which, Recording.counted_s != length_s)  # type: ignore[arg-type]
        .with_for_update()
    ).one_or_none()
    if row is None:  # it counts for that already, or was accepted before anything was counted
        return
    session.execute(
        update(Recording)
        .where(Recording.id == row.id)
        .values(counted_s=length_s)
        .execution_options(synchronize_session=False)
    )
    _add(session, row.owner_id, month_of(row.created_at), length_s - row.counted_s)


def _add(
    session: Session, owner_id: str, month: str, audio_s: float, *, recordings: int = 0
) -> None:
    used: Any = MonthlyUsage.__table__
    added = upsert(session, used)
    session.execute(
        added.on_conflict_do_update(
            index_elements=[used.c.owner_id, used.c.month],
            set_={
                "audio_s": used.c.audio_s + added.excluded.audio_s,
                "recordings": used.c.recordings + added.excluded.recordings,
            },
        ),
        {"owner_id": owner_id, "month": month, "audio_s": audio_s, "recordings": recordings},
    )
