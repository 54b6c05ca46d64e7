"""Migrations that are broken off on PostgreSQL, where some commit on the way, and begun again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

import migrations
from shared.db import Database

_SCHEMA = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'invalid ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = 'public'
    ORDER BY 1
"""


class BrokenOff(Exception):
    """A migration was ended, as by a kill."""


@contextmanager
def broken_off_before(number: int) -> Iterator[None]:
    """Have the statement of this number fail without a word to the database."""
    statements = count()

    def look(*_: Any) -> None:
        if next(statements) == number:
            raise BrokenOff

    event.listen(Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", look)


def schema(url: str) -> list[str]:
    db = Database(url)
    with db.engine.connect() as connection:
        found = list(connection.scalars(text(_SCHEMA)))
    db.dispose()
    return found


def until_done(migrate: Callable[[str, str], None], url: str, revision: str) -> int:
    """Migrate, broken off before the first statement, then the second and so on; return how often
    it was."""
    for number in count():
        try:
            with broken_off_before(number):
                migrate(url, revision)
        except BrokenOff:
            continue
        return number
    raise AssertionError


def revisions_that_commit_on_the_way() -> list[tuple[str, str]]:
    """The revisions before and at each of these."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    in_order = [script.revision for script in reversed(list(scripts.walk_revisions()))]
    source = {one: Path(scripts.get_revision(one).path).read_text() for one in in_order}
    return [pair for pair in pairwise(in_order) if "autocommit_block" in source[pair[1]]]


def break_off_and_go_on(url: str, before: str, revision: str) -> None:
    """Migrate down and up between two revisions, broken off at each statement, and compare what
    comes of it with what undisturbed migrations make. The database is at `revision` then."""
    migrations.upgrade(url, before)
    was = schema(url)
    migrations.upgrade(url, revision)
    wanted = schema(url)
    assert until_done(migrations.downgrade, url, before) > 0
    assert schema(url) == was, revision
    assert until_done(migrations.upgrade, url, revision) > 0
    assert schema(url) == wanted, revision
