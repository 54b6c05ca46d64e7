"""Permissions of files: those that Longscribe writes are for its own user only, unless
LONGSCRIBE_UMASK says otherwise.

Every process takes that umask before it writes anything, and whoever starts first mends what an
earlier version, or another umask, left open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from shared.settings import Settings

_BESIDE_A_DATABASE = ("", "-wal", "-shm", "-journal")

_OURS = {
    *(f"longscribe.db{ending}" for ending in _BESIDE_A_DATABASE),
    *("secret_key", "models.json", "stack.lock", "logs", "metrics", "redis"),
    *("recordings", "work", "watch", "calibration", "lost+found"),
}
"""A folder that holds anything else is not only a data folder: it may be somebody's home."""


def take_umask(settings: Settings) -> None:
    """Have this process and its children make files for nobody else."""
    os.umask(settings.umask_bits)


def open_to_others(settings: Settings) -> list[Path]:
    """Paths in the data folder, and the SQLite file, with permissions that the umask takes away.

    A folder that is closed protects what is below it, so that is not looked at; nor is what lies
    in the recordings' folder, which may hold a million files.
    """
    return [path for path in dict.fromkeys(_looked_at(settings)) if _surplus(path, settings)]


def close_to_others(settings: Settings) -> list[Path]:
    """Take these permissions away where the file is this user's own; what was changed.

    A data folder that holds anything but what Longscribe makes is left alone, and so is one with
    the sticky bit, such as /tmp.
    """
    changed = []
    for path in open_to_others(settings):
        try:
            status = path.stat()
            if status.st_uid == os.getuid():
                path.chmod(stat.S_IMODE(status.st_mode) & ~settings.umask_bits)
                changed.append(path)
        except OSError:  # gone meanwhile, or a file system without permissions
            continue
    return changed


def has_others_in_it(settings: Settings) -> bool:
    """Return whether the data folder exists and is left as it is because it holds other files
    too."""
    folder = settings.data_dir.resolve()
    return folder.is_dir() and not _is_data_folder(folder)


def _looked_at(settings: Settings) -> Iterator[Path]:
    folder = settings.data_dir.resolve()
    if _is_data_folder(folder):
        yield folder
        if _surplus(folder, settings):
            yield from _below(folder)
        yield (folder / "recordings").resolve()  # it may be a link to another disk
    # Here, for a command that needs no database begins in half the time without this import.
    from sqlalchemy.engine import make_url

    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        database = Path(url.database).resolve()
        if folder not in database.parents:
            for ending in _BESIDE_A_DATABASE:
                yield database.with_name(database.name + ending)


def _is_data_folder(folder: Path) -> bool:
    try:
        sticky = bool(folder.stat().st_mode & stat.S_ISVTX)
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return False
    return not sticky and folder.parent != folder and names <= _OURS


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        yield from (here / name for name in (*folders, *files))
        if here == folder and "recordings" in folders:
            folders.remove("recordings")


def _surplus(path: Path, settings: Settings) -> int:
    """The permissions of `path` that the umask takes away; 0 for a link and what is not there."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return 0
    return 0 if stat.S_ISLNK(mode) else stat.S_IMODE(mode) & settings.umask_bits
