"""Voices of recordings, edits of their speakers, and the voices that owners keep under a name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id, new_id


class StoredVoiceMap(Base):
    """Data by which the voices of a finished job are told apart, without its sound."""

    __tablename__ = "voice_maps"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]]
    """Voice map as `VoiceMap.to_json` writes it."""


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
    """Values of the edit, in the form in which `shared.speakers.edits` writes edits of this
    kind."""
    editor_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=database_now())


class VoiceKeeping(Base):
    """An owner who lets voices be kept; without a row none are.

    Whoever changes the owner's voices holds the row, after that of a job.  All that is kept of
    voices goes with it.
    """

    __tablename__ = "voice_keeping"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class GroupVoices(Base):
    """The mean voice of each group of a voice map, by which its speakers are compared with kept
    voices. Stored only for owners who let voices be kept when the job ended."""

    __tablename__ = "group_voices"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[str] = mapped_column(
        ForeignKey("voice_keeping.owner_id", ondelete="CASCADE"), index=True
    )
    encoder: Mapped[str] = mapped_column(String(64))
    """The revision of the network that heard the voices; those of another are never compared."""
    vectors: Mapped[bytes] = mapped_column(LargeBinary)
    """Vectors one after the other, each as long as the next, a signed byte a number."""


class KeptVoice(Base):
    """The name that voices of recordings are kept under; they themselves are its enrolments."""

    __tablename__ = "kept_voices"
    __table_args__ = (UniqueConstraint("owner_id", "name", name="kept_voices_name_once"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(
        ForeignKey("voice_keeping.owner_id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(80))


class VoiceEnrolment(Base):
    """Contribution of one recording to a kept voice, which is the mean of all of them."""

    __tablename__ = "voice_enrolments"

    voice_id: Mapped[str] = mapped_column(
        ForeignKey("kept_voices.id", ondelete="CASCADE"), primary_key=True
    )
    job_id: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    encoder: Mapped[str] = mapped_column(String(64))
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """A signed byte a number."""
    seconds: Mapped[float] = mapped_column(Float)
    """Speech that it stands on."""


class VoiceRefusal(Base):
    """Statement of a person that a speaker of a job is not the person of a kept voice."""

    __tablename__ = "voice_refusals"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    speaker: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    voice_id: Mapped[str] = mapped_column(
        ForeignKey("kept_voices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
