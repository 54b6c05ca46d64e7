"""Leftovers that belong to no job: files without rows, rows without files, leftovers of crashes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Row, select

from shared import jobs
from shared.cli.doctor.finding import Finding, ok, problem, unchecked, warning
from shared.db import Database
from shared.models import Job, Recording
from shared.settings import Settings
from shared.states import TERMINAL
from shared.storage import upload_cleanup, uploads
from shared.storage.blob_store import StoredEntry, key_of
from shared.storage.configured import open_blob_store
from shared.storage.identity import StorageState, look_at_storage

_YOUNG_S = 3600.0
"""A file gets its row right after its bytes are safe; so long nothing is called an orphan."""

_NAMED = 3
_JOB_ID_LENGTH = 36
_DELETE = "longscribe doctor --delete-orphans removes them."


@dataclass(frozen=True, slots=True)
class _Leftover:
    location: str
    size_bytes: int
    remove: Callable[[], None]
    """Remove what is left over. Raises OSError."""


def check_orphans(db: Database, settings: Settings, *, delete: bool = False) -> list[Finding]:
    """Find files without rows and rows without files. With `delete` the leftovers older than an
    hour are removed; a row never is."""
    blobs = open_blob_store(settings)
    if look_at_storage(db, blobs) not in (StorageState.SOUND, StorageState.NEW):
        return [unchecked("orphans", "not looked at: the storage of the recordings is not here")]
    # The folders before the rows: what gets its row in between is then no orphan.
    stored = {entry.name: entry for entry in blobs.recordings()}
    incoming = list(blobs.incoming())
    unfinished = list(blobs.unfinished_uploads())
    work = _folders(settings.work_dir)
    running = jobs.running_job_ids(db)
    with db.reading() as session:
        rows = session.execute(
            select(Recording.blob_key, Recording.playable_key, Job.id, Job.status).join(
                Job, Job.recording_id == Recording.id, isouter=True
            )
        ).all()
    uploading = uploads.ids(db)
    # A whole upload takes its place among the recordings just before it gets its job.
    copies = {row.playable_key for row in rows}
    keys = {row.blob_key for row in rows} | copies | {key_of(upload) for upload in uploading}
    unknown = [entry for key, entry in stored.items() if key not in keys]
    missing = [
        row
        for row in rows
        # Looked for once more: it may have come since the listing.
        if row.blob_key not in stored and not blobs.exists(row.blob_key)
    ]
    # An orphan among others is a crash's; nothing but orphans is another installation's folder.
    foreign = bool(unknown) and len(unknown) == len(stored)
    findings = [
        _missing_files([row for row in missing if row.id and row.status not in TERMINAL], True),
        _missing_files([row for row in missing if not row.id or row.status in TERMINAL], False),
        _leftovers(
            "recordings without a row",
            _old_entries(unknown, blobs.delete),
            delete,
            foreign=foreign,
        ),
        _leftovers(
            "partial uploads",
            _old_entries(
                incoming,
                blobs.discard_incoming,
                for_s=max(_YOUNG_S, 2 * settings.upload_silence_s),
            ),
            delete,
        ),
        _leftovers(
            "unfinished uploads without a row",
            _old_entries(
                (entry for entry in unfinished if entry.name not in uploading),
                blobs.discard_upload,
            ),
            delete,
            foreign=foreign,
        ),
        _leftovers(
            "work folders of jobs that nobody runs",
            _old_folders(path for path in work if path.name[:_JOB_ID_LENGTH] not in running),
            delete,
            foreign=foreign,
        ),
    ]
    return [finding for finding in findings if finding] or [
        ok("orphans", f"none; {len(stored.keys() - copies)} recordings, {len(rows)} rows")
    ]


def _old_entries(
    entries: Iterable[StoredEntry], remove: Callable[[str], None], *, for_s: float = _YOUNG_S
) -> list[_Leftover]:
    return [
        _Leftover(entry.location, entry.size_bytes, partial(remove, entry.name))
        for entry in upload_cleanup.untouched(entries, for_s=for_s)
    ]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _old_folders(paths: Iterable[Path]) -> list[_Leftover]:
    """Choose those not written to for an hour; one that is gone meanwhile is nobody's orphan."""
    oldest = time.time() - _YOUNG_S
    found = []
    for path in paths:
        try:
            if path.lstat().st_mtime < oldest:
                found.append(_Leftover(str(path), _size(path), partial(_remove_folder, path)))
        except FileNotFoundError:
            continue
    return found


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(file.lstat().st_size for file in path.rglob("*"))
    return path.lstat().st_size


def _remove_folder(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _leftovers(
    what: str, leftovers: list[_Leftover], delete: bool, *, foreign: bool = False
) -> Finding | None:
    if not leftovers:
        return None
    named = ", ".join(leftover.location for leftover in leftovers[:_NAMED])
    more = f" and {len(leftovers) - _NAMED} more" if len(leftovers) > _NAMED else ""
    size = sum(leftover.size_bytes for leftover in leftovers)
    finding = f"{len(leftovers)} {what}, {size / 2**20:.1f} MB: {named}{more}"
    if foreign:
        return warning(
            "orphans",
            f"{finding}; this database knows none of the recordings here, so it is most likely "
            "not theirs, and --delete-orphans leaves them",
            "Check LONGSCRIBE_DATABASE_URL and LONGSCRIBE_DATA_DIR. If they are right, remove "
            "the files by hand.",
        )
    if not delete:
        return warning("orphans", finding, _DELETE)
    kept = [leftover.location for leftover in leftovers if not _removed(leftover)]
    if kept:
        return problem(
            "orphans",
            f"{len(kept)} of {len(leftovers)} {what} could not be removed, {kept[0]} for one",
            "Remove them as the user whom they belong to.",
        )
    return ok("orphans", f"removed {finding}")


def _removed(leftover: _Leftover) -> bool:
    try:
        leftover.remove()
    except OSError:
        return False
    return True


def _missing_files(
    rows: Sequence[Row[str, str | None, str | None, str | None]], needed: bool
) -> Finding | None:
    if not rows:
        return None
    named = ", ".join(row.id or row.blob_key for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    if needed:
        return problem(
            "orphans",
            f"{len(rows)} jobs still to be done have lost their recording: {named}{more}",
            "Restore the folder of the recordings from its backup and check LONGSCRIBE_DATA_DIR, "
            "or cancel and delete these jobs.",
        )
    return warning(
        "orphans",
        f"{len(rows)} jobs that are over have lost their recording: {named}{more}; what was "
        "transcribed is still there",
        "Restore the folder of the recordings from its backup, or delete these jobs.",
    )
