"""What others share with a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, case, func, select, union_all

from shared.annotations.details import title_of_file
from shared.db import Database
from shared.dialects import told_limit
from shared.models import GroupMember, GroupShare, Job, Recording, Share, User
from shared.sharing.access import AccessLevel
from shared.states import JobStatus


@dataclass(frozen=True, slots=True)
class ReceivedJob:
    """A job that is shared with a person."""

    job_id: str
    title: str
    owner_name: str
    level: AccessLevel
    status: JobStatus
    duration_s: float | None
    created_at: datetime
    """When it was submitted."""
    shared_at: datetime


def received_jobs(
    db: Database, *, person_id: str, limit: int, cursor: str | None = None
) -> tuple[list[ReceivedJob], str | None]:
    """What is shared with a person or a group of theirs, the newest jobs first, and the cursor of
    the next page: None at the end."""
    shares = _shares_with(person_id, cursor)
    wanted = (
        select(shares, Job.status, Job.created_at, Recording, User.name.label("owner_name"))
        .join(Job, Job.id == shares.c.job_id)
        .join(Recording, Recording.id == Job.recording_id)
        .join(User, User.id == Job.owner_id)
        .where(Job.owner_id != person_id)
        .order_by(shares.c.job_id.desc())
        .limit(told_limit(limit + 1))
    )
    with db.reading() as session:
        rows = session.execute(wanted).all()
    found = [
        ReceivedJob(
            job_id=row.job_id,
            title=row.Recording.title or title_of_file(row.Recording.filename),
            owner_name=row.owner_name,
            level=AccessLevel.CORRECT if row.may_correct else AccessLevel.READ,
            status=JobStatus(row.status),
            duration_s=row.Recording.duration_s,
            created_at=row.created_at,
            shared_at=row.shared_at,
        )
        for row in rows[:limit]
    ]
    return found, rows[limit - 1].job_id if len(rows) > limit else None


def _shares_with(person_id: str, cursor: str | None) -> Subquery:
    """Each job once that is shared with a person, by name or as one of a group, with the most that
    it is shared for and since when."""
    of_person = select(Share.job_id, Share.level, Share.created_at).where(
        Share.person_id == person_id
    )
    of_groups = (
        select(GroupShare.job_id, GroupShare.level, GroupShare.created_at)
        .join(GroupMember, GroupMember.group_id == GroupShare.group_id)
        .where(GroupMember.user_id == person_id)
    )
    if cursor is not None:
        of_person = of_person.where(Share.job_id < cursor)
        of_groups = of_groups.where(GroupShare.job_id < cursor)
    both = union_all(of_person, of_groups).subquery()
    may_correct = case((both.c.level == AccessLevel.CORRECT.value, 1), else_=0)
    return (
        select(
            both.c.job_id,
            func.max(may_correct).label("may_correct"),
            func.min(both.c.created_at).label("shared_at"),
        )
        .where(both.c.level.in_([AccessLevel.READ.value, AccessLevel.CORRECT.value]))
        .group_by(both.c.job_id)
        .subquery()
    )
