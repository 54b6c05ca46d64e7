"""Audit log: actor, act, time and origin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id


class AuditEntry(Base):
    """An act, written in the transaction in which it happened. Rows are added and never changed,
    but for the erasure of an account, which takes what tells of its person.

    It names accounts and objects by their ids and no foreign key: an entry outlives both.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("audit_entries_by_time", "at"),
        Index("audit_entries_of_act", "act", "id"),
        Index("audit_entries_of_actor", "actor_id", "id"),
        Index("audit_entries_of_subject", "subject_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=database_now())
    act: Mapped[str] = mapped_column(String(32))
    """An `Act`."""
    means: Mapped[str] = mapped_column(String(16))
    """A `Means`."""
    actor_id: Mapped[str | None] = mapped_column(String(64))
    """The account that did it; null where nobody is signed in, or none is meant."""
    key_id: Mapped[str | None] = mapped_column(Id)
    """Id of the API key that was sent."""
    address: Mapped[str | None] = mapped_column(String(64))
    """Address of the client; null for the server itself and its commands."""
    request_id: Mapped[str | None] = mapped_column(Id)
    object_id: Mapped[str | None] = mapped_column(String(64))
    """Id of the object of the act. The act tells of which kind that is."""
    subject_id: Mapped[str | None] = mapped_column(String(64))
    """The account that it concerns, where that need not be the actor's."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Numbers and words of ours: never a secret, a text of a recording or a person's name."""
