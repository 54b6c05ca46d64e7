"""What others share with a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from shared.annotations.details import title_of_file
from shared.db import Database
from shared.dialects import told_limit
from shared.models import Job, Recording, Share, User
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
    """What is shared with a person, the newest jobs first, and the cursor of the next page: None at
    the end."""
    wanted = (
        select(Share, Job.status, Job.created_at, Recording, User.name.label("owner_name"))
        .join(Job, Job.id == Share.job_id)
        .join(Recording, Recording.id == Job.recording_id)
        .join(User, User.id == Job.owner_id)
        .where(Share.person_id == person_id, Job.owner_id != person_id)
        .order_by(Share.job_id.desc())
        .limit(told_limit(limit + 1))
    )
    if cursor is not None:
        wanted = wanted.where(Share.job_id < cursor)
    with db.reading() as session:
        rows = session.execute(wanted).all()
    found = [
        ReceivedJob(
            job_id=row.Share.job_id,
            title=row.Recording.title or title_of_file(row.Recording.filename),
            owner_name=row.owner_name,
            level=AccessLevel(row.Share.level),
            status=JobStatus(row.status),
            duration_s=row.Recording.duration_s,
            created_at=row.created_at,
            shared_at=row.Share.created_at,
        )
        for row in rows[:limit]
        if row.Share.level in set(AccessLevel)
    ]
    return found, rows[limit - 1].Share.job_id if len(rows) > limit else None
