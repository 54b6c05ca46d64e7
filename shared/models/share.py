"""Sharing of jobs: with colleagues by name, by links, and the history of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id, new_id

LONGEST_LINK_NAME = 100
"""Characters of what a link is for."""


class Share(Base):
    """A job that its owner shares with a name. The database lets a name be given once for a job."""

    __tablename__ = "shares"
    __table_args__ = (
        UniqueConstraint("job_id", "name_key", name="shares_name_once"),
        Index("shares_of_person", "person_id", "job_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Id of the person; null where no account had the name then: the share opens nothing, also for
    an account made later."""
    name: Mapped[str] = mapped_column(String(64))
    """Name as the owner typed it."""
    name_key: Mapped[str] = mapped_column(String(200))
    level: Mapped[str] = mapped_column(String(16))
    """An `AccessLevel`."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    opened_at: Mapped[datetime | None]
    """Time at which the person used the share last, to within a minute; null: never."""


class ShareLink(Base):
    """A link that opens a transcript without sign-in. Its token is 256 random bits, of which only
    the SHA-256 is kept."""

    __tablename__ = "share_links"
    __table_args__ = (Index("share_links_of_job", "job_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_LINK_NAME))
    """Purpose of the link, in its owner's words."""
    with_sound: Mapped[bool] = mapped_column(Boolean)
    sentence: Mapped[int | None] = mapped_column(Integer)
    """Sentence at which the page opens; null: at the beginning."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """Time of the link's last use, to within a minute; null: never used."""


class SharingEvent(Base):
    """A change of who may see a job. Rows are added and never changed;
    `shared.sharing.history` drops the oldest of very many."""

    __tablename__ = "sharing_events"
    __table_args__ = (Index("sharing_events_of_job", "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=database_now())
    kind: Mapped[str] = mapped_column(String(24))
    """A `SharingChange`."""
    detail: Mapped[dict[str, Any]]
    editor_id: Mapped[str] = mapped_column(String(64))
