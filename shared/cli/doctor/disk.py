"""Checks of `longscribe doctor` on the data folder and on free space of the disk or bucket."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.errors import InsufficientStorage
from shared.settings import Settings
from shared.storage.blob_store import BlobStore
from shared.storage.configured import open_blob_store
from shared.storage.measured_space import WorkSpace, nearest_existing, require_writable, work_space
from shared.transcripts.values import DECODED_BYTES_A_SECOND

GB = 2**30
_MAKE_ROOM = (
    "Make room, put LONGSCRIBE_DATA_DIR on a larger disk, or lower LONGSCRIBE_MIN_FREE_BYTES."
)

MOUNT_FOR_WRITING = "Mount its disk for writing. If it was, the log of the kernel says why (dmesg)."

_UNLESS_CLOSED = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: "Raise this user's quota, or put LONGSCRIBE_DATA_DIR on another disk.",
    errno.EROFS: MOUNT_FOR_WRITING,
}
"""Advice by the error of a folder that another owner would find closed too."""


def check_data_folder(settings: Settings) -> list[Finding]:
    thing = "data folder"
    folder = settings.data_dir.resolve()
    advice = f"Give this user ({os.getuid()}) the folder, or choose one with LONGSCRIBE_DATA_DIR."
    existing = nearest_existing(folder)
    if not existing.is_dir():
        return [problem(thing, f"{existing} is no folder", advice)]
    if existing != folder:
        if os.access(existing, os.W_OK | os.X_OK):
            return [ok(thing, f"{folder} is not made yet; it is made when Longscribe starts")]
        return [problem(thing, f"{folder} does not exist and cannot be made", advice)]
    checks: list[Callable[[], None]] = [
        partial(require_writable, folder),
        partial(require_writable, settings.work_dir),
    ]
    if not settings.s3_bucket:
        checks.insert(1, open_blob_store(settings).check_writable)
    for check in checks:
        try:
            check()
        except FileNotFoundError:
            continue  # made when Longscribe starts
        except OSError as error:
            reason = error.strerror or type(error).__name__
            finding = f"{error.filename} cannot be written to: {reason}"
            return [problem(thing, finding, _UNLESS_CLOSED.get(error.errno or 0, advice))]
    return [ok(thing, f"{folder} can be written to")]


def check_disk(settings: Settings) -> list[Finding]:
    """Free space for recordings, and for their decoded audio: two places, each with its reserve."""
    return [
        _judge_bucket(open_blob_store(settings))
        if settings.s3_bucket
        else _judge_storage(open_blob_store(settings), settings),
        _judge_work_folder(work_space(settings), settings),
    ]


def _judge_storage(storage: BlobStore, settings: Settings) -> Finding:
    usable = storage.usable_bytes()
    finding = _room(usable, "recordings", settings)
    if not usable:
        return problem("disk", f"{finding}: every upload is refused (507)", _MAKE_ROOM)
    return ok("disk", finding)


def _judge_bucket(bucket: BlobStore) -> Finding:
    """Write to a bucket, which does not tell what room it has."""
    try:
        bucket.check_writable()
    except (OSError, InsufficientStorage) as error:
        place, reason = getattr(error, "filename", "it"), getattr(error, "strerror", str(error))
        return problem(
            "bucket",
            f"{place} cannot be written to: {reason}",
            "Let this machine and the server keep time by NTP."
            if "RequestTimeTooSkewed" in str(reason)
            else "Start its server, make room, or correct LONGSCRIBE_S3_BUCKET and the settings "
            "beside it.",
        )
    return ok("bucket", "can be written to")


def _judge_work_folder(folder: WorkSpace, settings: Settings) -> Finding:
    usable = folder.usable_bytes()
    finding = _room(usable, "decoded audio", settings)
    if not usable:
        return problem("work folder", f"{finding}: workers take no job", _MAKE_ROOM)
    longest = settings.max_audio_s * DECODED_BYTES_A_SECOND
    if usable < longest:
        return warning(
            "work folder",
            f"{finding}: too little for a recording of {settings.max_audio_s / 3600:.0f} hours "
            f"({longest / GB:.1f} GB), the longest accepted",
            "Make room, or lower LONGSCRIBE_MAX_AUDIO_S.",
        )
    return ok("work folder", finding)


def _room(usable: int, what: str, settings: Settings) -> str:
    reserve = f"{settings.min_free_bytes / GB:.1f} GB"
    if not usable:
        return f"nothing is free for {what}, beside a reserve of {reserve}"
    return f"{usable / GB:.1f} GB free for {what}, beside a reserve of {reserve}"
