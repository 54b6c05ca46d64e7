"""Links that open a transcript without sign-in, for a while."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, or_, select, update

from shared.accounts.credentials import NOTED_EVERY_S, digest
from shared.annotations.edits import owned_job
from shared.db import Database, database_now
from shared.errors import InvalidRequest, JobNotFound, TranscriptNotReady
from shared.models import LONGEST_LINK_NAME as LONGEST_LINK_NAME
from shared.models import Job, ShareLink, User
from shared.sharing.errors import LinkNotFound
from shared.sharing.history import SharingChange, add_change
from shared.states import JobStatus

MOST_LINKS = 50
"""Links of a job at most."""

LONGEST_LINK_DAYS = 365

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
_MOST_SENTENCES = 10**6
_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link without its token, which is stored nowhere."""

    id: str
    name: str
    """Purpose of the link, in its owner's words."""
    with_sound: bool
    sentence: int | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    """Time of the link's last use, to within a minute; None before the first."""


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """Job and rights that a link gives."""

    id: str
    job_id: str
    owner_id: str
    with_sound: bool
    sentence: int | None
    expires_at: datetime


# Built once: that takes longer than to carry it out.
_OF_TOKEN = (
    select(
        ShareLink,
        Job.owner_id,
        or_(
            ShareLink.last_used_at.is_(None),
            ShareLink.last_used_at <= database_now(-NOTED_EVERY_S),
        ).label("is_stale"),
    )
    .join(Job, Job.id == ShareLink.job_id)
    .outerjoin(User, User.id == Job.owner_id)
    .where(
        ShareLink.token_sha256 == bindparam("sha256"),
        ShareLink.expires_at > database_now(),
        # Nobody could withdraw the links of an account that is disabled.
        User.disabled_at.is_(None),
    )
)


def make_link(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    name: str = "",
    days: int,
    with_sound: bool,
    sentence: int | None = None,
) -> tuple[str, LinkRecord]:
    """Make a link to a finished transcript, which ends after some days. Returns its token, which
    cannot be read again, and what is kept.

    Raises JobNotFound, TranscriptNotReady, or InvalidRequest for what no link can be.
    """
    name = " ".join(name.split())
    if len(name) > LONGEST_LINK_NAME or (name and not name.isprintable()):
        raise InvalidRequest(
            f"name: say in at most {LONGEST_LINK_NAME} characters what the link is for.",
            param="name",
        )
    if not 1 <= days <= LONGEST_LINK_DAYS:
        raise InvalidRequest(f"days: from 1 to {LONGEST_LINK_DAYS}.", param="days")
    if sentence is not None and not 0 <= sentence < _MOST_SENTENCES:
        raise InvalidRequest("sentence: there is no such sentence.", param="sentence")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        if job.status != JobStatus.COMPLETED.value:
            raise TranscriptNotReady
        # Those whose time is over are of no use but to be listed.
        session.execute(
            delete(ShareLink)
            .where(ShareLink.job_id == job_id, ShareLink.expires_at <= database_now())
            .execution_options(synchronize_session=False)
        )
        count = session.scalar(
            select(func.count()).select_from(ShareLink).where(ShareLink.job_id == job_id)
        )
        if (count or 0) >= MOST_LINKS:
            raise InvalidRequest(
                f"A recording has at most {MOST_LINKS} links. Withdraw one first.", param="name"
            )
        link = ShareLink(
            job_id=job_id,
            token_sha256=digest(token),
            name=name,
            with_sound=with_sound,
            sentence=sentence,
            expires_at=session.scalars(select(database_now(days * _DAY_S))).one(),
        )
        session.add(link)
        session.flush()
        session.refresh(link)
        detail = {"name": name, "with_sound": with_sound, "days": days}
        add_change(session, job, SharingChange.LINK_MADE, detail, editor_id=owner_id)
        return token, _record(link)


def links_of(db: Database, *, owner_id: str, job_id: str) -> list[LinkRecord]:
    """The links of a job that open it still, oldest first. Raises JobNotFound."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        rows = session.scalars(
            select(ShareLink)
            .where(ShareLink.job_id == job_id, ShareLink.expires_at > database_now())
            .order_by(ShareLink.id)
        ).all()
    return [_record(row) for row in rows]


def withdraw_link(db: Database, *, owner_id: str, job_id: str, link_id: str) -> None:
    """End a link now. Raises JobNotFound or LinkNotFound."""
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        withdrawn = session.execute(
            delete(ShareLink)
            .where(ShareLink.id == link_id, ShareLink.job_id == job_id)
            .returning(ShareLink.name)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if withdrawn is None:
            raise LinkNotFound
        detail = {"name": withdrawn.name}
        add_change(session, job, SharingChange.LINK_WITHDRAWN, detail, editor_id=owner_id)


def open_link(db: Database, token: str) -> OpenedLink:
    """Look up the job that a token opens, and record the use. Raises LinkNotFound."""
    if not _TOKEN.fullmatch(token):
        raise LinkNotFound
    sha256 = digest(token)
    with db.reading() as session:
        found = session.execute(_OF_TOKEN, {"sha256": sha256}).one_or_none()
    if found is None or not hmac.compare_digest(found[0].token_sha256, sha256):
        raise LinkNotFound
    link, owner_id, is_stale = found
    if is_stale:
        with db.writing() as session:
            session.execute(
                update(ShareLink)
                .where(ShareLink.id == link.id)
                .values(last_used_at=database_now())
                .execution_options(synchronize_session=False)
            )
    return OpenedLink(
        link.id, link.job_id, owner_id, link.with_sound, link.sentence, link.expires_at
    )


def _record(link: ShareLink) -> LinkRecord:
    return LinkRecord(
        link.id,
        link.name,
        link.with_sound,
        link.sentence,
        link.created_at,
        link.expires_at,
        link.last_used_at,
    )
