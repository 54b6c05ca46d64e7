"""Recordings that are still on their way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id, new_id


class Upload(Base):
    """A recording that comes in several requests. Its bytes have the same id in the BlobStore."""

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint(
            "received_bytes >= 0 AND received_bytes <= size_bytes", name="uploads_within_their_size"
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    described: Mapped[str] = mapped_column(Text, default="")
    """The client's `Upload-Metadata`, given back as it came."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    """The whole length; while that is deferred, the room that is reserved so far."""
    is_length_deferred: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """True while the client has still to tell the length, as of a recording that is being made."""
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes that are durable: written here after they were synced."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    submitted_at: Mapped[datetime | None]
    """Time at which the upload became a job: from then on its bytes are those of a recording."""


class Reservation(Base):
    """The room that a request which sends recordings in one go has announced, while it lasts."""

    __tablename__ = "reservations"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes that are written, so that the storage itself counts them."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
