"""The version of Longscribe that a revision of the schema belongs to."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class SchemaVersion(Base):
    """Tells an older version, which does not know the revision, which version does."""

    __tablename__ = "schema_versions"

    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
    version: Mapped[str] = mapped_column(String(32))
