"""Audio that each owner has submitted, by month."""

from __future__ import annotations

from sqlalchemy import Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class MonthlyUsage(Base):
    """Audio that an owner submitted in a month of UTC. It stays when the recordings are deleted."""

    __tablename__ = "monthly_usage"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    """Month, written as 2026-11."""
    audio_s: Mapped[float] = mapped_column(Float, default=0.0)
    recordings: Mapped[int] = mapped_column(Integer, default=0)
