"""Lists of jobs that people keep under a name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id, new_id

LONGEST_SEARCH_NAME = 80


class SavedSearch(Base):
    """Conditions of a list, kept under a name. An empty text is no condition."""

    __tablename__ = "saved_searches"
    __table_args__ = (Index("saved_searches_of_owner", "owner_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64))
    """Owner, or a group, whose members all use and change it."""
    name: Mapped[str] = mapped_column(String(LONGEST_SEARCH_NAME))
    show: Mapped[str] = mapped_column(String(16))
    """The name of a filter by states."""
    query: Mapped[str] = mapped_column(String(200))
    tag: Mapped[str] = mapped_column(String(80))
    person: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=database_now())
