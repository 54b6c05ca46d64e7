"""Words that are likely to be said: whose lists there are, and what each job was given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base


class HotwordSet(Base):
    """Words by their digest. Rows are added and never changed, and go with the last that names
    them."""

    __tablename__ = "hotword_sets"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(Integer)
    """Number of words."""
    words: Mapped[list[Any]]


def _set() -> Mapped[str | None]:
    return mapped_column(String(64), ForeignKey("hotword_sets.digest"), index=True, nullable=True)


class HotwordList(Base):
    """The words that an owner keeps for all jobs, that a group shares, or that are kept for
    everybody's."""

    __tablename__ = "hotword_lists"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Owner, group, or `shared.words.hotwords.EVERYBODY`, which is nobody's id."""
    digest: Mapped[str] = mapped_column(
        String(64), ForeignKey("hotword_sets.digest"), index=True, nullable=False
    )
    editor_id: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime] = mapped_column(default=database_now())


class JobHotwords(Base):
    """The words that a job was given when it was submitted, and what became of them. Jobs without
    any have no row."""

    __tablename__ = "job_hotwords"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    named: Mapped[str | None] = _set()
    """Words that came with the job."""
    own: Mapped[str | None] = _set()
    """Words of its owner's list at that moment."""
    everybodys: Mapped[str | None] = _set()
    left_out: Mapped[int] = mapped_column(Integer, default=0)
    """Words of the lists beyond the most that a job takes."""
    passed: Mapped[bool | None] = mapped_column(Boolean)
    """True if the model was given the words, in the latest attempt; null until one began."""
    found: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Words that stand in the text and how often, [[word, times], ...]; null until it is
    completed."""
    found_size: Mapped[int | None] = mapped_column(Integer)
    """Number of the words that stand in the text, also those beyond the most that `found` lists."""
