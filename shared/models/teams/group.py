"""Groups of accounts, and the jobs that are shared with them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CompoundSelect,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id, new_id


class Group(Base):
    """Accounts that administrators or a provider put together under a name."""

    __tablename__ = "account_groups"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64))
    """Name as an administrator wrote it."""
    name_key: Mapped[str] = mapped_column(String(200), unique=True)
    """The name without the difference between capitals and small letters."""
    issuer: Mapped[str | None] = mapped_column(String(255))
    """The OpenID Connect provider whose group it is; null where an administrator made it."""
    kept_days: Mapped[int | None] = mapped_column(Integer)
    """Days for which a job that a member submits is kept after its end; null: no rule."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())


class GroupMember(Base):
    """An account in a group."""

    __tablename__ = "group_members"

    group_id: Mapped[str] = mapped_column(
        ForeignKey("account_groups.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    since: Mapped[datetime] = mapped_column(default=database_now())
    issuer: Mapped[str | None] = mapped_column(String(255))
    """The provider by whose word it is in it; null where an administrator put it there."""


class GroupShare(Base):
    """A job that its owner shares with whoever is in a group, at any time while both stand."""

    __tablename__ = "group_shares"
    __table_args__ = (
        UniqueConstraint("job_id", "group_id", name="group_shares_once"),
        Index("group_shares_of_group", "group_id", "job_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    group_id: Mapped[str] = mapped_column(ForeignKey("account_groups.id", ondelete="CASCADE"))
    level: Mapped[str] = mapped_column(String(16))
    """An `AccessLevel`."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    opened_at: Mapped[datetime | None]
    """Time at which somebody of the group used the share last, to within a minute; null: never."""


def keepers_for(owner_id: str) -> CompoundSelect[str]:
    """Ids under which is kept what an owner may use: their own, and those of the groups that
    they are in. For an IN, which is then looked up in an index."""
    of_groups = select(GroupMember.group_id).where(GroupMember.user_id == owner_id)
    return union_all(select(literal(owner_id)), of_groups)
