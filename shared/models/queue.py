"""The owners' turns, and the workers that serve the queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class OwnerTurn(Base):
    """When an owner's job was last claimed, as a number that grows with every claim."""

    __tablename__ = "turns"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class WorkerSeen(Base):
    """A worker process that serves the queue, as it last reported itself."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    hostname: Mapped[str] = mapped_column(String(255))
    model: Mapped[str] = mapped_column(String(255))
    device: Mapped[str] = mapped_column(String(40))
    jobs_at_once: Mapped[int] = mapped_column(Integer, default=1)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
