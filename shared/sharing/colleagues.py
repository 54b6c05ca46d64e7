"""Sharing a job with other accounts of this server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared.accounts.users import clean_name, name_key
from shared.annotations.edits import owned_job
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import Job, Share, User
from shared.sharing.access import AccessLevel
from shared.sharing.errors import NobodyOfThatName, ShareNotFound
from shared.sharing.groups import group_shares, withdraw_group
from shared.sharing.history import SharingChange, add_change

MOST_SHARES = 100
"""Shares of a job at most."""


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """Recipient of a shared job: a name, without whether an account has it, or a group."""

    id: str
    name: str
    level: AccessLevel
    created_at: datetime
    opened_at: datetime | None
    """Time of their last use, to within a minute; None before the first."""
    person_id: str | None
    group_id: str | None = None


def share_job(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    name: str,
    level: AccessLevel,
    tells_names: bool = False,
) -> None:
    """Let whoever has an account of this name use a job, or use it otherwise than before.

    A name that no account has is kept like any other, and opens nothing, so nobody finds out who
    has an account; with `tells_names` NobodyOfThatName is raised.  Raises JobNotFound,
    UnusableName, or InvalidRequest for the owner's own name and for more than MOST_SHARES.
    """
    cleaned, key = clean_name(name), name_key(name)
    if level is AccessLevel.OWNER:
        raise InvalidRequest("access: must be read or correct.", param="access")
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        person_id = session.scalar(select(User.id).where(User.name_key == key))
        if person_id == owner_id:
            raise InvalidRequest("name: this recording is yours already.", param="name")
        if person_id is None and tells_names:
            raise NobodyOfThatName(param="name")
        share = session.scalars(
            select(Share).where(Share.job_id == job_id, Share.name_key == key)
        ).one_or_none()
        if share is None:
            _require_room(session, job_id)
            share = Share(job_id=job_id, name=cleaned, name_key=key, level=level.value)
            share.person_id = person_id
            session.add(share)
            kind = SharingChange.SHARED
        else:
            is_same = share.level == level.value
            # An account may have been made meanwhile, and the owner means it now.
            share.person_id, share.level = person_id, level.value
            if is_same:
                return
            kind = SharingChange.CHANGED
        detail = {"name": share.name, "level": level.value}
        add_change(session, job, kind, detail, editor_id=owner_id, person_id=person_id)


def _require_room(session: Session, job_id: str) -> None:
    count = session.scalar(select(func.count()).select_from(Share).where(Share.job_id == job_id))
    if (count or 0) >= MOST_SHARES:
        raise InvalidRequest(
            f"name: a recording is shared with at most {MOST_SHARES}. Withdraw it from somebody "
            "first.",
            param="name",
        )


def withdraw_share(db: Database, *, owner_id: str, job_id: str, share_id: str) -> None:
    """Let a colleague or a group use a job no longer, from now on. Raises JobNotFound or
    ShareNotFound."""
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        if withdraw_group(session, job, share_id):
            return
        withdrawn = session.execute(
            delete(Share)
            .where(Share.id == share_id, Share.job_id == job_id)
            .returning(Share.name, Share.level, Share.person_id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if withdrawn is None:
            raise ShareNotFound
        detail = {"name": withdrawn.name, "level": withdrawn.level}
        add_change(
            session,
            job,
            SharingChange.WITHDRAWN,
            detail,
            editor_id=owner_id,
            person_id=withdrawn.person_id,
        )


def shares_of(db: Database, *, owner_id: str, job_id: str) -> list[ShareRecord]:
    """List the people a job is shared with, by name, and then the groups. Raises JobNotFound."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        rows = session.scalars(
            select(Share).where(Share.job_id == job_id).order_by(Share.name_key)
        ).all()
        of_groups = group_shares(session, job_id)
    return [
        ShareRecord(
            row.id,
            row.name,
            AccessLevel(row.level),
            row.created_at,
            row.opened_at,
            row.person_id,
        )
        for row in rows
        if row.level in set(AccessLevel)
    ] + [
        ShareRecord(
            share.id,
            name,
            AccessLevel(share.level),
            share.created_at,
            share.opened_at,
            None,
            share.group_id,
        )
        for share, name in of_groups
        if share.level in set(AccessLevel)
    ]
