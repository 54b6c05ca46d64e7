"""Which storage the recordings of this database lie in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, Id

ONLY_ROW = 1


class StorageRow(Base):
    """The one row of its table. `shared.storage.identity` writes it."""

    __tablename__ = "storage"
    __table_args__ = (CheckConstraint(f"id = {ONLY_ROW}", name="storage_is_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(Id)
    """The same as is written in the storage itself."""
    adopted_at: Mapped[datetime] = mapped_column(default=database_now())
