"""Rights of a person to a job: the one place that knows of more than its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    literal,
    or_,
    select,
    union_all,
    update,
)

from shared.accounts.credentials import NOTED_EVERY_S
from shared.db import Database, database_now
from shared.models import GroupMember, GroupShare, Job, Share


class AccessLevel(StrEnum):
    """Rights to a job; each level includes those before it."""

    READ = "read"
    """Listening, reading and exporting."""
    CORRECT = "correct"
    """Reading, correcting sentences, and saying who speaks."""
    OWNER = "owner"

    def includes(self, other: AccessLevel) -> bool:
        """Return whether this level includes the rights of `other`."""
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
        """Return whether the job is somebody else's."""
        return self.level is not AccessLevel.OWNER


def _is_stale(opened_at: Any) -> ColumnElement[bool]:
    return or_(opened_at.is_(None), opened_at <= database_now(-NOTED_EVERY_S))


_PERSON: BindParameter[str] = bindparam("person_id")
_JOB: BindParameter[str] = bindparam("job_id")

# Built once: that takes longer than to carry it out.
_SHARES = union_all(
    select(
        literal(False).label("of_group"),
        Share.id,
        Share.level,
        Job.owner_id,
        _is_stale(Share.opened_at).label("is_stale"),
    )
    .join(Job, Job.id == Share.job_id)
    # Handed over to whom it was shared with, it is theirs.
    .where(Share.person_id == _PERSON, Share.job_id == _JOB, Job.owner_id != _PERSON),
    # Whoever is in the group just now.
    select(
        literal(True),
        GroupShare.id,
        GroupShare.level,
        Job.owner_id,
        _is_stale(GroupShare.opened_at),
    )
    .join(Job, Job.id == GroupShare.job_id)
    .join(GroupMember, GroupMember.group_id == GroupShare.group_id)
    .where(GroupMember.user_id == _PERSON, GroupShare.job_id == _JOB, Job.owner_id != _PERSON),
)

_LEVELS = {level.value: level for level in (AccessLevel.READ, AccessLevel.CORRECT)}


def job_access(db: Database, *, person_id: str, job_id: str) -> JobAccess:
    """Look up a person's rights to a job: the highest level at which it is shared with them or a
    group that they are in. Records the use of a shared job once a minute."""
    with db.reading() as session:
        shares = session.execute(_SHARES, {"person_id": person_id, "job_id": job_id}).all()
    known = [share for share in shares if share.level in _LEVELS]
    if not known:
        return JobAccess(job_id, person_id, person_id, AccessLevel.OWNER)
    found = max(known, key=lambda share: list(AccessLevel).index(_LEVELS[share.level]))
    if found.is_stale:
        table = GroupShare if found.of_group else Share
        with db.writing() as session:
            session.execute(
                update(table)
                .where(table.id == found.id)
                .values(opened_at=database_now())
                .execution_options(synchronize_session=False)
            )
    return JobAccess(job_id, person_id, found.owner_id, _LEVELS[found.level])
