"""Recognised text, from the first batch to the finished transcript."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId


class Segment(Base):
    """Span of speech, its place in the batch plan and, once recognised, its words.

    `words` is [[word, start, end, confidence], ...] with times in seconds of the recording; the
    confidence is null where the recogniser gives none, and missing in rows of older versions.
    """

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint(
            "job_id", "plan_key", "start_sample", "end_sample", name="segments_span_once"
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    plan_key: Mapped[str] = mapped_column(String(64))
    start_sample: Mapped[int] = mapped_column(BigInteger)
    end_sample: Mapped[int] = mapped_column(BigInteger)
    batch: Mapped[int] = mapped_column(Integer)
    words: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    voices: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The voices of its pieces, as `worker.voices.pieces` packs them; null where nobody asked who
    speaks, and once the transcript is stored."""
    language: Mapped[str | None] = mapped_column(String(8))
    """ISO 639 code of what is spoken; null where nothing is said, and in rows of older versions."""
    was_cut: Mapped[bool | None] = mapped_column(Boolean)
    """True where the model repeated itself and that was cut off; null elsewhere."""
    fence: Mapped[int | None] = mapped_column(Integer)
    """The attempt that recognised it."""


class Checkpoint(Base):
    """A stage that a job has behind it, and what came of it; gone with the plan, or once the
    transcript is stored."""

    __tablename__ = "checkpoints"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(16), primary_key=True)
    plan_key: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]


class StoredTranscript(Base):
    """The finished transcript. The key makes a second one impossible."""

    __tablename__ = "transcripts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]]
    """Transcript as `Transcript.to_json` writes it."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
