"""Texts that are searched, and their state in the search index."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, BigId


class SearchText(Base):
    """A transcript's text as it reads now, one sentence a line; the n-th line, counted from 0, is
    the n-th sentence, those that were split off last.  `shared.search.texts` writes it."""

    __tablename__ = "search_texts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    folded: Mapped[str] = mapped_column(Text)
    """Text as `shared.text_folding.fold` makes it: what is compared. On PostgreSQL not compressed,
    for reading two thousand hours of it takes 0.1 s so, and 0.4 s otherwise."""
    text: Mapped[str] = mapped_column(Text)
    """The text with its capitals: what is shown."""


class SearchEntry(Base):
    """A job as the search index knows it, by a number that is never given again.

    A trigger makes the row with the job, and triggers say that the index is behind whenever the
    name, the text or the owner is written, by whichever version: `shared.search.entries`.
    """

    __tablename__ = "search_entries"
    __table_args__ = (
        Index(
            "search_entries_behind",
            "number",
            sqlite_where=text("NOT indexed"),
            postgresql_where=text("NOT indexed"),
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(BigId, primary_key=True)
    """Number in the order of submission."""
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    indexed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """True if the index has all grams of the entry's name, text and owner."""
