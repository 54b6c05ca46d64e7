"""What is searched."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class SearchText(Base):
    """A transcript's text as it reads now, one sentence a line; the n-th line, counted from 0, is
    the n-th sentence.  `shared.transcripts.search` writes it."""

    __tablename__ = "search_texts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    folded: Mapped[str] = mapped_column(Text)
    """As `shared.folding.fold` makes it: what is compared. On PostgreSQL not compressed, for
    reading two thousand hours of it takes 0.1 s so, and 0.4 s otherwise."""
    text: Mapped[str] = mapped_column(Text)
    """The same with its capitals: what is shown."""
