"""Jobs that others share with a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, select, union_all
from sqlalchemy.orm import Session

from shared.accounts.errors import GroupNotFound
from shared.annotations.details import title_of_file
from shared.db import Database
from shared.dialects import told_limit
from shared.models import GroupMember, GroupShare, Job, Recording, Share, User
from shared.sharing.access import AccessLevel
from shared.states import JobStatus

_MOST_PARTS = 100
"""Parts of one UNION at most; SQLite takes 500."""


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
    """Time of the submission."""
    shared_at: datetime


def received_jobs(
    db: Database,
    *,
    person_id: str,
    limit: int,
    cursor: str | None = None,
    group_id: str | None = None,
) -> tuple[list[ReceivedJob], str | None]:
    """List jobs shared with a person or a group of theirs, or with the one that `group_id` names,
    the newest jobs first, and the cursor of the next page: None at the end. Raises GroupNotFound
    where they are not in that group."""
    with db.reading() as session:
        of_person = select(GroupMember.group_id).where(GroupMember.user_id == person_id)
        groups = session.scalars(of_person.order_by(GroupMember.group_id)).all()
        if group_id is not None and group_id not in groups:
            raise GroupNotFound(param="group")
        shares = _shares_with(person_id, groups, cursor, limit + 1, only_group=group_id)
        wanted = (
            select(shares, Job.status, Job.created_at, Recording, User.name.label("owner_name"))
            .join(Job, Job.id == shares.c.job_id)
            .join(Recording, Recording.id == Job.recording_id)
            .join(User, User.id == Job.owner_id)
            .order_by(shares.c.job_id.desc())
            .limit(told_limit(limit + 1))
        )
        rows = session.execute(wanted).all()
        to_correct = {row.job_id for row in rows if row.may_correct}
        if group_id is not None:
            to_correct |= _to_correct(session, person_id, groups, [row.job_id for row in rows])
    found = [
        ReceivedJob(
            job_id=row.job_id,
            title=row.Recording.title or title_of_file(row.Recording.filename),
            owner_name=row.owner_name,
            level=AccessLevel.CORRECT if row.job_id in to_correct else AccessLevel.READ,
            status=JobStatus(row.status),
            duration_s=row.Recording.duration_s,
            created_at=row.created_at,
            shared_at=row.shared_at,
        )
        for row in rows[:limit]
    ]
    return found, rows[limit - 1].job_id if len(rows) > limit else None


def _to_correct(
    session: Session, person_id: str, groups: Sequence[str], job_ids: Sequence[str]
) -> set[str]:
    """Ids among the jobs that the person may correct, however they are shared."""
    level = AccessLevel.CORRECT.value
    by_name = select(Share.job_id).where(
        Share.person_id == person_id, Share.level == level, Share.job_id.in_(job_ids)
    )
    by_group = select(GroupShare.job_id).where(
        GroupShare.group_id.in_(groups), GroupShare.level == level, GroupShare.job_id.in_(job_ids)
    )
    return set(session.scalars(by_name.union_all(by_group)))


def _shares_with(
    person_id: str,
    groups: Sequence[str],
    cursor: str | None,
    most: int,
    *,
    only_group: str | None,
) -> Subquery:
    """Subquery of jobs shared with a person by name or through these groups, or with `only_group`,
    each once, with its highest level and the time of sharing: the newest `most` jobs at least, and
    few others however many there are."""

    def newest(share: type[Share | GroupShare], *condition: ColumnElement[bool]) -> Select[Any]:
        may_correct = case((share.level == AccessLevel.CORRECT.value, 1), else_=0)
        wanted = (
            select(
                share.job_id,
                func.max(may_correct).label("may_correct"),
                func.min(share.created_at).label("shared_at"),
            )
            .join(Job, Job.id == share.job_id)
            .where(
                *condition,
                share.level.in_([AccessLevel.READ.value, AccessLevel.CORRECT.value]),
                Job.owner_id != person_id,
            )
        )
        if cursor is not None:
            wanted = wanted.where(share.job_id < cursor)
        # The newest of each stand together in an index; those of several groups nowhere.
        found = wanted.group_by(share.job_id).order_by(share.job_id.desc()).limit(told_limit(most))
        return select(found.subquery())

    wanted = groups if only_group is None else [only_group]
    parts = [newest(GroupShare, GroupShare.group_id == group) for group in wanted]
    if only_group is None:
        parts.append(newest(Share, Share.person_id == person_id))
    while len(parts) > 1:
        some = (parts[n : n + _MOST_PARTS] for n in range(0, len(parts), _MOST_PARTS))
        parts = [select(union_all(*part).subquery()) for part in some]
    every = parts[0].subquery()
    return (
        select(
            every.c.job_id,
            func.max(every.c.may_correct).label("may_correct"),
            func.min(every.c.shared_at).label("shared_at"),
        )
        .group_by(every.c.job_id)
        .subquery()
    )
