"""Identity of the storage that has this database's recordings, and the bytes each owner takes of
it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Identity, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id

ONLY_ROW = 1


class StorageRow(Base):
    """The one row of its table. `shared.storage.identity` writes it."""

    __tablename__ = "storage"
    __table_args__ = (CheckConstraint(f"id = {ONLY_ROW}", name="storage_is_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(Id)
    """Identity that is written in the storage itself too."""
    adopted_at: Mapped[datetime] = mapped_column(default=database_now())


class StoredTally(Base):
    """Bytes of recordings and playable copies that an owner has stored; or a change of these.

    Written by triggers and folded as `Tally` is.
    """

    __tablename__ = "stored_tallies"
    __table_args__ = (
        Index("stored_tallies_of_owner", "owner_id"),
        Index(
            "stored_tallies_changes",
            "id",
            sqlite_where=text("NOT is_sum"),
            postgresql_where=text("NOT is_sum"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    is_sum: Mapped[bool] = mapped_column(Boolean)
    """True for a row into which changes were folded already."""
