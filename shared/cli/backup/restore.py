"""Restore a backup into an installation that has nothing yet."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from shared.cli.backup import postgresql
from shared.cli.backup.contents import (
    POSTGRESQL,
    POSTGRESQL_DUMP,
    RECORDINGS,
    SECRET_KEY,
    SQLITE,
    SQLITE_FILE,
    BackupFailed,
    Manifest,
    recordings_in,
)
from shared.db import Database
from shared.settings import Settings


def restore(settings: Settings, source: Path, *, incomplete: bool = False) -> Manifest:
    """Fill the database and the data folder of `settings` from a backup, with its permissions.

    Raises BackupFailed before anything is written where there is something already, where the
    database is of another kind, or, unless `incomplete`, where the backup lacks recordings that it
    had; and OSError.
    """
    found = Manifest.read(source)
    if not incomplete:
        _require_all(found, source)
    url = make_url(settings.resolved_database_url)
    kind = SQLITE if url.get_backend_name() == "sqlite" else POSTGRESQL
    if kind != found.database:
        raise BackupFailed(
            f"The backup is one of {found.database}, and LONGSCRIBE_DATABASE_URL names {kind}"
        )
    if settings.recordings_dir.is_dir() and any(settings.recordings_dir.iterdir()):
        raise BackupFailed(f"{settings.recordings_dir} is not empty; restore into an empty one")
    _require_empty(settings, kind)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # First what takes long and may find no room: a database without recordings would look right.
    shutil.copytree(source / RECORDINGS, settings.recordings_dir, dirs_exist_ok=True)
    key = settings.data_dir / SECRET_KEY
    if (source / SECRET_KEY).is_file() and not key.exists():
        shutil.copy2(source / SECRET_KEY, key)
    if kind == SQLITE:
        path = Path(url.database or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / SQLITE_FILE, path)
    else:
        postgresql.restore(settings.resolved_database_url, str(source / POSTGRESQL_DUMP))
    os.sync()
    return found


def _require_all(found: Manifest, source: Path) -> None:
    """Check that a copy of a backup has what the backup had."""
    sizes = [path.stat().st_size for path in recordings_in(source / RECORDINGS)]
    if (len(sizes), sum(sizes)) != (found.recordings + found.playable_copies, found.bytes):
        raise BackupFailed(
            f"{source} has {len(sizes)} files of recordings ({sum(sizes):,} bytes), and was made "
            f"with {found.files}: it was copied by half, or changed. Copy it again; longscribe "
            "restore --incomplete restores what is there"
        )


def _require_empty(settings: Settings, kind: str) -> None:
    url = make_url(settings.resolved_database_url)
    if kind == SQLITE:
        if Path(url.database or "").exists():
            raise BackupFailed(f"{url.database} is there already; restore where none is")
        return
    db = Database(settings.resolved_database_url)
    try:
        tables = inspect(db.engine).get_table_names()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise BackupFailed(f"The database cannot be read: {reason}") from error
    finally:
        db.dispose()
    if tables:
        raise BackupFailed(f"The database {url.database} has tables; restore into an empty one")
