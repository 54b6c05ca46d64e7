"""Sharing a job with a group: with whoever is in it, at any time while both stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared.accounts.groups.membership import visible_group
from shared.annotations.edits import owned_job
from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import Group, GroupShare, Job
from shared.sharing.access import AccessLevel
from shared.sharing.history import SharingChange, add_change

MOST_GROUPS_OF_JOB = 50


def share_job_with_group(
    db: Database, *, owner_id: str, job_id: str, group_id: str, level: AccessLevel
) -> None:
    """Let whoever is in a group use a job, or use it otherwise than before. Its owner is in the
    group too, or an administrator.

    Raises JobNotFound, GroupNotFound, or InvalidRequest for more than MOST_GROUPS_OF_JOB.
    """
    if level is AccessLevel.OWNER:
        raise InvalidRequest("access: must be read or correct.", param="access")
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        group = visible_group(session, owner_id, group_id)
        share = session.scalars(
            select(GroupShare).where(GroupShare.job_id == job_id, GroupShare.group_id == group_id)
        ).one_or_none()
        if share is None:
            _require_room(session, job_id)
            session.add(GroupShare(job_id=job_id, group_id=group_id, level=level.value))
            kind = SharingChange.SHARED
        elif share.level == level.value:
            return
        else:
            share.level = level.value
            kind = SharingChange.CHANGED
        detail = {"name": group.name, "level": level.value, "group": group.id}
        add_change(session, job, kind, detail, editor_id=owner_id)


def _require_room(session: Session, job_id: str) -> None:
    of_job = select(func.count()).select_from(GroupShare).where(GroupShare.job_id == job_id)
    if (session.scalar(of_job) or 0) >= MOST_GROUPS_OF_JOB:
        raise InvalidRequest(
            f"group: a recording is shared with at most {MOST_GROUPS_OF_JOB} groups. Withdraw it "
            "from one first.",
            param="group",
        )


def withdraw_group(session: Session, job: Job, share_id: str) -> bool:
    """Withdraw a job that `owned_job` gave from a group; whether there was such a share."""
    withdrawn = session.execute(
        delete(GroupShare)
        .where(GroupShare.id == share_id, GroupShare.job_id == job.id)
        .returning(GroupShare.group_id, GroupShare.level)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if withdrawn is None:
        return False
    name = session.scalar(select(Group.name).where(Group.id == withdrawn.group_id))
    detail = {"name": name, "level": withdrawn.level, "group": withdrawn.group_id}
    add_change(session, job, SharingChange.WITHDRAWN, detail, editor_id=job.owner_id)
    return True


def group_shares(session: Session, job_id: str) -> Sequence[Any]:
    """Shares of a job with groups, each with the group's name, sorted by name."""
    return session.execute(
        select(GroupShare, Group.name)
        .join(Group, Group.id == GroupShare.group_id)
        .where(GroupShare.job_id == job_id)
        .order_by(Group.name_key)
    ).all()
