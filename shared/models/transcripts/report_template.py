"""Templates of reports."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, allowed
from shared.states import TemplateKind

LONGEST_TEMPLATE_NAME = 80


class ReportTemplate(Base):
    """A template that an owner uses instead of the built-in one; of several the newest holds, as
    after a hand-over."""

    __tablename__ = "report_templates"
    __table_args__ = (Index("report_templates_of_owner", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=database_now())


class NamedReportTemplate(Base):
    """A template that an owner, or each member of a group, chooses by its name. The one without a
    name is a ReportTemplate."""

    __tablename__ = "named_report_templates"
    __table_args__ = (
        UniqueConstraint("owner_id", "name", name="named_report_template_of_owner"),
        CheckConstraint(allowed("kind", TemplateKind), name="template_kind_known"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    """Owner, or a group."""
    name: Mapped[str] = mapped_column(String(LONGEST_TEMPLATE_NAME))
    kind: Mapped[str] = mapped_column(String(8))
    """A TemplateKind."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The file as it was sent."""
    size_bytes: Mapped[int] = mapped_column(Integer)
    """Bytes of the content, which no list reads."""
    at: Mapped[datetime] = mapped_column(default=database_now())
    """Time at which the template was sent, or given to a group."""
