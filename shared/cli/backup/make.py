"""Backup while everything runs: the database first, and then the recordings.

In this order every row of the copy has its file, unless its job was deleted in between: a
recording is on disk before its row.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

import migrations
from shared.cli.backup import postgresql
from shared.cli.backup.contents import (
    NO_RECORDINGS,
    POSTGRESQL,
    POSTGRESQL_DUMP,
    RECORDINGS,
    SECRET_KEY,
    SQLITE,
    SQLITE_FILE,
    BackupFailed,
    Manifest,
)
from shared.db import Database
from shared.models import Recording
from shared.settings import Settings
from shared.storage.configured import open_blob_store
from shared.storage.identity import StorageState, look_at_storage


def back_up(settings: Settings, target: Path, *, previous: Path | None = None) -> Manifest:
    """Make the folder `target`, which appears only once all of it is there.

    Recordings that `previous`, an earlier backup, has are not copied again: both have them, by a
    hard link.  Raises BackupFailed or OSError, and leaves `target` with the ending .partial behind.
    """
    if target.exists():
        raise BackupFailed(f"{target} is there already; name a folder that is not")
    if previous is not None:
        Manifest.read(previous)
    draft = target.with_name(f"{target.name}.partial")
    if draft.exists():
        raise BackupFailed(f"{draft} is left of a backup that broke off; remove it first")
    if settings.recordings_dir.resolve() in draft.resolve().parents:
        raise BackupFailed(f"{target} is among the recordings, of which it would be a part")
    revision = _revision(settings)
    _require_recordings(settings)
    draft.mkdir(mode=0o700, parents=True)
    is_sqlite = make_url(settings.resolved_database_url).get_backend_name() == "sqlite"
    try:
        if is_sqlite:
            _copy_sqlite(settings, draft / SQLITE_FILE)
        else:
            postgresql.dump(settings.resolved_database_url, str(draft / POSTGRESQL_DUMP))
    except BackupFailed:
        # Nothing of it is worth keeping, and the next try would have to be made way for.
        shutil.rmtree(draft)
        raise
    sizes = dict(_copy_recordings(settings.recordings_dir, draft / RECORDINGS, previous))
    with suppress(FileNotFoundError):
        shutil.copy2(settings.data_dir / SECRET_KEY, draft / SECRET_KEY)
    made = Manifest.made_now(
        database=SQLITE if is_sqlite else POSTGRESQL,
        revision=revision,
        sizes=sizes,
        copies=_playable_copies(settings),
    )
    made.write(draft)
    os.sync()
    draft.rename(target)
    return made


def _revision(settings: Settings) -> str:
    url = settings.resolved_database_url
    path = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and not Path(path or "").is_file():
        raise BackupFailed(f"There is no database {path}; nothing to back up")
    db = Database(url)
    try:
        current = migrations.state(db).current
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise BackupFailed(f"The database cannot be read: {reason}") from error
    finally:
        db.dispose()
    if current is None:
        raise BackupFailed("The database has no tables; nothing to back up")
    return current


def _require_recordings(settings: Settings) -> None:
    """Check that the recordings' storage is here, and no bare mount point in its place: without
    them a backup would look whole. Those in a bucket are in no backup. Raises BackupFailed."""
    if settings.s3_bucket:
        return
    db = Database(settings.resolved_database_url)
    try:
        state = look_at_storage(db, open_blob_store(settings))
    except SQLAlchemyError:  # a schema of before storages had ids
        return
    finally:
        db.dispose()
    if state not in (StorageState.SOUND, StorageState.NEW):
        raise BackupFailed(
            f"The recordings of the database cannot be found or read ({state}); longscribe doctor "
            "says what to do"
        )


def _copy_sqlite(settings: Settings, target: Path) -> None:
    """Copy a SQLite database as of one moment, though others write. Raises BackupFailed."""
    source = make_url(settings.resolved_database_url).database or ""
    try:
        with closing(sqlite3.connect(source)) as theirs, closing(sqlite3.connect(target)) as ours:
            theirs.backup(ours)
    except sqlite3.Error as error:  # a disk without room, or a file that is damaged
        raise BackupFailed(f"{source} cannot be copied to {target}: {error}") from error


def _playable_copies(settings: Settings) -> set[str]:
    """The keys of all playable copies, which lie among the recordings."""
    db = Database(settings.resolved_database_url)
    try:
        with db.reading() as session:
            return {
                *session.scalars(
                    select(Recording.playable_key).where(Recording.playable_key.is_not(None))
                )
            }
    except SQLAlchemyError:  # a schema of before there were any
        return set()
    finally:
        db.dispose()


def _copy_recordings(
    source: Path, target: Path, previous: Path | None
) -> Iterator[tuple[str, int]]:
    """Copy all files; the key and the size of each recording and playable copy. What is deleted
    meanwhile is left out. Raises OSError, also for a folder that cannot be looked into."""
    target.mkdir(mode=0o700)
    for folder, _, names in os.walk(source, onerror=_raise_unless_gone):
        into = target / Path(folder).relative_to(source)
        into.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            copy = into / name
            before = None if previous is None else previous / RECORDINGS / copy.relative_to(target)
            with suppress(FileNotFoundError):
                _copy(Path(folder) / name, copy, before)
                if into.parent == target and into.name not in NO_RECORDINGS:
                    yield f"{into.name}/{name}", copy.stat().st_size


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _copy(source: Path, target: Path, before: Path | None) -> None:
    """Copy a file, or link to the same file of an earlier backup. Raises FileNotFoundError if the
    source is gone."""
    told = source.stat()
    if before is not None and before.is_file():
        known = before.stat()
        # A recording is never changed in its place.
        if (known.st_size, known.st_mtime_ns) == (told.st_size, told.st_mtime_ns):
            target.hardlink_to(before)
            return
    shutil.copy2(source, target)
