"""Deletion of entries that are older than the operator keeps them."""

from __future__ import annotations

from sqlalchemy import delete, select

from shared.db import Database, database_now
from shared.dialects import told_limit
from shared.models import AuditEntry

_AT_ONCE = 1000


def forget(db: Database, *, kept_s: float) -> int:
    """Delete some of the entries that are older than `kept_s` seconds; how many. Call it again
    until it deletes none."""
    oldest = (
        select(AuditEntry.id)
        .where(AuditEntry.at < database_now(-kept_s))
        .order_by(AuditEntry.at)
        .limit(told_limit(_AT_ONCE))
    )
    with db.writing() as session:
        ids = session.scalars(oldest).all()
        if ids:
            session.execute(
                delete(AuditEntry)
                .where(AuditEntry.id.in_(ids))
                .execution_options(synchronize_session=False)
            )
    return len(ids)
