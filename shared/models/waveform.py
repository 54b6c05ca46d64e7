"""Waveform of a recording, for the player."""

from __future__ import annotations

from sqlalchemy import Float, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class StoredWaveform(Base):
    """A job's waveform, as the attempt that decoded its recording to the end measured it."""

    __tablename__ = "waveforms"

    job_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    duration_s: Mapped[float] = mapped_column(Float)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    """Peaks, one byte for each bucket of equal length; at most a few thousand, however long the
    recording."""
