"""Revisions of the recognised sentences by people and rules, each change a row of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId


class Revision(Base):
    """A sentence as somebody or a rule left it. Rows are added and never changed.

    Revision 0 is the recognised text, which stands in `StoredTranscript` and has no row here.  The
    key lets one of two who began from the same revision write the next, whatever the moment.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        CheckConstraint("revision > 0", name="revisions_come_after_the_recognised_text"),
        UniqueConstraint("job_id", "sentence", "revision", name="revisions_number_once"),
        Index("revisions_of_job", "job_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    sentence: Mapped[int] = mapped_column(Integer)
    """Number of the sentence in the recognised transcript, from 0; those that people split off
    follow."""
    revision: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    """Text of the sentence; empty: the sentence is left out."""
    rule: Mapped[str | None] = mapped_column(String(16))
    """The `Rule` that made it; null: a person did."""
    editor_id: Mapped[str] = mapped_column(String(64))
    """Id of the editor; empty where a rule made it before anybody saw the transcript."""
    at: Mapped[datetime] = mapped_column(default=database_now())
    start_s: Mapped[float | None] = mapped_column(Float)
    """Second of the recording at which the sentence begins; null, with the end: as it was
    recognised."""
    end_s: Mapped[float | None] = mapped_column(Float)
    origin: Mapped[int | None] = mapped_column(Integer)
    """Recognised sentence that a sentence which was split off belonged to, whose speaker it has."""
