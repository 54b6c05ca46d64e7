"""Annotations of people on recordings, and each change of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id

LONGEST_LABEL = 80
"""Characters of a person's name or a tag."""


LONGEST_MARK = 1000
"""Characters of what is written at a place."""


class Label(Base):
    """A person or a tag of a job, in the order in which a list of those that have it is read."""

    __tablename__ = "labels"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    folded: Mapped[str] = mapped_column(String(LONGEST_LABEL), primary_key=True)
    """Label as it is looked for."""
    job_id: Mapped[str] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    name: Mapped[str] = mapped_column(String(LONGEST_LABEL))
    """Label as it was written."""


class StoredMark(Base):
    """A place in a recording that a person marked: a chapter, a bookmark, a note, a decision or a
    to-do."""

    __tablename__ = "marks"
    __table_args__ = (Index("marks_of_job", "job_id", "at_s"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """A `MarkKind`."""
    at_s: Mapped[float] = mapped_column(Float)
    """Seconds from the start of the recording."""
    text: Mapped[str] = mapped_column(String(LONGEST_MARK))
    who: Mapped[str] = mapped_column(String(LONGEST_LABEL))
    """Person who does a to-do."""
    due: Mapped[str] = mapped_column(String(LONGEST_LABEL))
    """Due date of a to-do, in any words."""


class AnnotationEdit(Base):
    """A change by a person, with what was before and after it. Rows are added and never changed;
    `shared.annotations.edits` drops the oldest of very many."""

    __tablename__ = "annotation_edits"
    __table_args__ = (
        CheckConstraint("number > 0", name="annotation_edits_begin_with_one"),
        UniqueConstraint("job_id", "number", name="annotation_edits_number_once"),
        Index("annotation_edits_of_owner", "owner_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    """Id, never given again: the newest tells whether an owner's list may have changed."""
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    owner_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[int] = mapped_column(Integer)
    """Counts a job's edits from 1."""
    kind: Mapped[str] = mapped_column(String(16))
    """An `AnnotationEditKind`."""
    detail: Mapped[dict[str, Any]]
    """{"before": …, "after": …}, and "undoes": the number of the edit that it takes back."""
    editor_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=database_now())
