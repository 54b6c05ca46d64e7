"""Whose voice is where in a recording, and what people changed of who spoke."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base


class StoredVoiceMap(Base):
    """What the voices of a finished job are told apart by, without its sound."""

    __tablename__ = "voice_maps"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]]
    """As `VoiceMap.to_json` writes it."""


class SpeakerEdit(Base):
    """A change of who spoke, by a person. Rows are added and never changed.

    The key lets one of two who began from the same state write the next, whatever the moment.
    """

    __tablename__ = "speaker_edits"
    __table_args__ = (CheckConstraint("number > 0", name="speaker_edits_begin_with_one"),)

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Counts a job's edits from 1."""
    kind: Mapped[str] = mapped_column(String(16))
    detail: Mapped[dict[str, Any]]
    """What `shared.speakers.edits` writes of an edit of this kind."""
    editor_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=database_now())
