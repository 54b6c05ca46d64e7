"""Runs the revisions; called by Alembic."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from alembic import context
from sqlalchemy import text

import migrations
from shared.db import Database, UtcDateTime
from shared.models import Base

_ADVISORY_LOCK = 7_301_946_205
"""Key of the lock by which two containers that migrate at once take turns; any number, the same
everywhere."""

_ASK_AGAIN_S = 0.1


def _render_item(kind: str, value: object, autogen_context: object) -> str | Literal[False]:
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


@contextmanager
def _alone(db: Database) -> Iterator[None]:
    """Hold PostgreSQL's lock on a connection of its own: some revisions commit on the way."""
    if db.is_sqlite:
        yield
        return
    with db.engine.connect() as connection:
        # Asked for again and again: an index that is built without blocking waits for every
        # statement that runs, and one that waits here for the lock would run for as long.
        ask = text("SELECT pg_try_advisory_xact_lock(:key)")
        while not connection.scalar(ask, {"key": _ADVISORY_LOCK}):
            connection.rollback()
            time.sleep(_ASK_AGAIN_S)
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield


def _run() -> None:
    # A statement here may take its time: it builds an index, or waits for one who does.
    db = Database(context.config.attributes["database_url"], impatient=False)
    try:
        with (
            _alone(db),
            db.engine.execution_options(writes=True).connect() as connection,
        ):
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                render_as_batch=db.is_sqlite,
                transaction_per_migration=False,
                render_item=_render_item,
                include_name=migrations.is_described,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        db.dispose()


_run()
