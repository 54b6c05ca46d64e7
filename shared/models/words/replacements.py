"""The lists of words that people teach an installation."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, BigId

MOST_PAIRS = 5000
"""Pairs of a list at most."""


class ReplacementList(Base):
    """List of replacements. Its row is locked while the list is changed."""

    __tablename__ = "replacement_lists"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    """Counts its changes from 1."""


class Replacement(Base):
    """A pair of a list, from the version that added it to before the one that removed it.

    Rows are added, removed once and never changed otherwise, so a job that names a version has the
    same pairs whatever became of the list.
    """

    __tablename__ = "replacements"
    __table_args__ = (
        CheckConstraint("removed > added", name="replacements_stand_for_a_version"),
        Index("replacements_of_owner", "owner_id", "id"),
        Index(
            "replacements_stand_once",
            "owner_id",
            "key",
            unique=True,
            sqlite_where=text("removed IS NULL"),
            postgresql_where=text("removed IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(100))
    """`wrong` as it is looked for."""
    wrong: Mapped[str] = mapped_column(String(100))
    right: Mapped[str] = mapped_column(String(100))
    added: Mapped[int] = mapped_column(Integer)
    removed: Mapped[int | None] = mapped_column(Integer)
    """Version of the list that removed the pair; null while the pair is in the list."""
