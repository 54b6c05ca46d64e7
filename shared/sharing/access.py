"""How a person may use a job: the one place that knows of more than its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, or_, select, update

from shared.accounts.credentials import NOTED_EVERY_S
from shared.db import Database, database_now
from shared.models import Job, Share


class AccessLevel(StrEnum):
    """What somebody may do with a job; each level includes those before it."""

    READ = "read"
    """Listen, read and export."""
    CORRECT = "correct"
    """Also correct sentences, and say who speaks."""
    OWNER = "owner"

    def includes(self, other: AccessLevel) -> bool:
        """Whether whoever has this level may do what needs `other`."""
        levels = list(AccessLevel)
        return levels.index(self) >= levels.index(other)


@dataclass(frozen=True, slots=True)
class JobAccess:
    """A person's access to a job.

    Of whoever a job is not shared with, this says no more than that they may use it if it is
    theirs: what reads the job as `owner_id`'s finds nothing that is another's.
    """

    job_id: str
    person_id: str
    owner_id: str
    level: AccessLevel

    @property
    def is_shared(self) -> bool:
        """Whether the job is somebody else's."""
        return self.level is not AccessLevel.OWNER


# Built once: that takes longer than to carry it out.
_SHARE = (
    select(
        Share.id,
        Share.level,
        Job.owner_id,
        or_(Share.opened_at.is_(None), Share.opened_at <= database_now(-NOTED_EVERY_S)).label(
            "is_stale"
        ),
    )
    .join(Job, Job.id == Share.job_id)
    .where(
        Share.person_id == bindparam("person_id"),
        Share.job_id == bindparam("job_id"),
        # Handed over to whom it was shared with, it is theirs.
        Job.owner_id != Share.person_id,
    )
)


def job_access(db: Database, *, person_id: str, job_id: str) -> JobAccess:
    """How a person may use a job just now. Notes that what is shared was used, once a minute."""
    with db.reading() as session:
        found = session.execute(_SHARE, {"person_id": person_id, "job_id": job_id}).one_or_none()
    if found is None or found.level not in (AccessLevel.READ, AccessLevel.CORRECT):
        return JobAccess(job_id, person_id, person_id, AccessLevel.OWNER)
    if found.is_stale:
        with db.writing() as session:
            session.execute(
                update(Share)
                .where(Share.id == found.id)
                .values(opened_at=database_now())
                .execution_options(synchronize_session=False)
            )
    return JobAccess(job_id, person_id, found.owner_id, AccessLevel(found.level))
