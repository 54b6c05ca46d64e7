"""Recordings that this server fetches from an address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id, new_id

_OPEN = "state IN ('waiting', 'fetching')"


class Fetch(Base):
    """A recording that is fetched from an address, and becomes a job once it is here.

    Its id is that of the upload which its bytes come into, and of the job that is made of it.
    """

    __tablename__ = "fetches"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'fetching', 'submitted', 'failed', 'cancelled')",
            name="fetches_state_known",
        ),
        Index("fetches_of_owner", "owner_id", "id"),
        Index("fetches_open", "due_at", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(String(255))
    submission: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Further values of the job: options, hotwords, model and priority."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """A FetchState."""
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Length as the address tells it; null until it does."""
    validator: Mapped[str | None] = mapped_column(String(300))
    """The ETag or the time of change of what was received, by which it is gone on with."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    due_at: Mapped[datetime] = mapped_column(default=database_now())
    """Time before which nobody goes on with the fetch."""
    failures: Mapped[int] = mapped_column(Integer, default=0)
    """Attempts that brought nothing, since the last that brought something."""
    fence: Mapped[int] = mapped_column(Integer, default=0)
    lease_expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(40))
    """Code of the last attempt's error, also while it is tried again."""
    error_message: Mapped[str | None] = mapped_column(Text)
