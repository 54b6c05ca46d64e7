"""Runs the revisions; called by Alembic."""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlalchemy import text

from shared.db import Database, UtcDateTime
from shared.models import Base

_ADVISORY_LOCK = 7_301_946_205
"""Any number, the same everywhere: two containers that migrate at once take turns."""


def _render_item(kind: str, value: object, autogen_context: object) -> str | Literal[False]:
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _run() -> None:
    # A statement here may take its time: it waits for another who migrates, or builds an index.
    db = Database(context.config.attributes["database_url"], impatient=False)
    with db.engine.execution_options(writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=db.is_sqlite,
            transaction_per_migration=False,
            render_item=_render_item,
        )
        with context.begin_transaction():
            if not db.is_sqlite:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}
                )
            context.run_migrations()
    db.dispose()


_run()
