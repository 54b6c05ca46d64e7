"""The templates of reports that owners use instead of the built-in ones."""

from __future__ import annotations

from sqlalchemy import delete, select

from shared.db import Database
from shared.export.reports.report import checked_template
from shared.models import ReportTemplate


def read_template(db: Database, *, owner_id: str) -> str | None:
    """An owner's template; None: the built-in one."""
    with db.reading() as session:
        return session.scalar(
            select(ReportTemplate.content)
            .where(ReportTemplate.owner_id == owner_id)
            .order_by(ReportTemplate.id.desc())
            .limit(1)
        )


def put_template(db: Database, *, owner_id: str, content: str) -> None:
    """Make this an owner's template. Raises InvalidRequest."""
    content = checked_template(content)
    with db.writing() as session:
        session.execute(
            delete(ReportTemplate)
            .where(ReportTemplate.owner_id == owner_id)
            .execution_options(synchronize_session=False)
        )
        session.add(ReportTemplate(owner_id=owner_id, content=content))


def drop_template(db: Database, *, owner_id: str) -> None:
    """Go back to the built-in template."""
    with db.writing() as session:
        session.execute(
            delete(ReportTemplate)
            .where(ReportTemplate.owner_id == owner_id)
            .execution_options(synchronize_session=False)
        )
