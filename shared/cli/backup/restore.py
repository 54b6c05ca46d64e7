"""Restore a backup into an installation that has nothing yet."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
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
    had. Whatever else is raised, OSError on a full disk for instance, nothing of it is left.
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
    key = settings.data_dir / SECRET_KEY
    has_key = key.exists()
    try:
        # First what takes long and may find no room: a database without recordings would look
        # right.
        shutil.copytree(source / RECORDINGS, settings.recordings_dir, dirs_exist_ok=True)
        if (source / SECRET_KEY).is_file() and not has_key:
            _copy_whole(source / SECRET_KEY, key)
        if kind == SQLITE:
            path = Path(url.database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy_whole(source / SQLITE_FILE, path)
        else:
            postgresql.restore(settings.resolved_database_url, str(source / POSTGRESQL_DUMP))
    except BaseException:
        # The folder was empty, and the next try would have to be made way for.
        _empty(settings.recordings_dir)
        if not has_key:
            key.unlink(missing_ok=True)
        raise
    os.sync()
    return found


def _empty(folder: Path) -> None:
    """Remove what lies in a folder, which may be a mount point or a link, as far as that can be."""
    with suppress(OSError):
        for path in folder.iterdir():
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):
                path.unlink()


def _copy_whole(source: Path, target: Path) -> None:
    """Copy a file, which is seen under its name once all of it is there."""
    draft = target.with_name(f"{target.name}.partial")
    try:
        shutil.copy2(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


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
        # What is left of another database's last changes would be read as changes of this one.
        for name in (url.database or "", f"{url.database}-wal", f"{url.database}-journal"):
            if Path(name).exists():
                raise BackupFailed(f"{name} is there already; restore where none is")
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
