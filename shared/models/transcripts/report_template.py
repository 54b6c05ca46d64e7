"""Templates of reports."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId


class ReportTemplate(Base):
    """A template that an owner uses instead of the built-in one; of several the newest holds, as
    after a hand-over."""

    __tablename__ = "report_templates"
    __table_args__ = (Index("report_templates_of_owner", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=database_now())
