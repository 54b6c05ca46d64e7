"""Checks of `longscribe doctor` on the recordings' storage, as this machine and each worker see
it."""

from __future__ import annotations

from shared.cli.doctor.finding import Finding, ok, problem
from shared.db import Database
from shared.settings import Settings
from shared.states import Obstacle
from shared.storage.configured import open_blob_store
from shared.storage.identity import StorageState, look_at_storage

_MOUNT = (
    "Mount the storage of the recordings there, or correct LONGSCRIBE_DATA_DIR; nothing has to be "
    "restored from a backup. If this folder is the right one, restored or moved: longscribe "
    "adopt-storage."
)

_REACH = (
    "Start the server of the bucket, or correct LONGSCRIBE_S3_BUCKET and the settings beside it; "
    "nothing has to be restored from a backup. If this bucket is the right one, restored or moved: "
    "longscribe adopt-storage."
)

_HERE = {
    StorageState.MISSING: "the folder of the recordings here is not their storage: it is empty, or "
    "its mount is missing",
    StorageState.OTHER: "another storage than that of this database's recordings is here",
    StorageState.UNPROVEN: "none of the newest recordings is in their folder here; its mount may "
    "be missing",
    StorageState.UNREACHABLE: "the storage of the recordings cannot be read here",
}


def check_storage_here(db: Database, settings: Settings) -> list[Finding]:
    """Compare the storage that this machine sees with the database."""
    state = look_at_storage(db, open_blob_store(settings))
    if state is StorageState.NEW:
        return [ok("storage", "not taken into use yet; the web server does that")]
    if state is StorageState.SOUND:
        return [ok("storage", "holds the recordings of this database")]
    return [problem("storage", _HERE[state], _REACH if settings.s3_bucket else _MOUNT)]


_THERE = {
    Obstacle.STARTING: "is starting",
    Obstacle.MODEL_UNAVAILABLE: "cannot load its model",
    Obstacle.DEVICE_FAILED: "pauses, for its device failed",
    Obstacle.STORAGE_NEW: "waits for a web server to take the storage into use",
    Obstacle.STORAGE_MISSING: "does not see the storage of the recordings",
    Obstacle.STORAGE_OTHER: "sees another storage than that of the recordings",
    Obstacle.STORAGE_UNPROVEN: "sees none of the recordings",
    Obstacle.STORAGE_UNREACHABLE: "cannot read the storage of the recordings",
    Obstacle.NO_ROOM: "has no room in its work folder",
}
_WHAT_TO_DO = {
    Obstacle.MODEL_UNAVAILABLE: "Its log says why.",
    Obstacle.DEVICE_FAILED: "See its log, and that the device works (nvidia-smi).",
    Obstacle.STORAGE_NEW: "Start the web server.",
    Obstacle.NO_ROOM: "Make room on its disk, or lower LONGSCRIBE_MIN_FREE_BYTES.",
}


def in_words(obstacles: tuple[str, ...]) -> tuple[str, str]:
    """Text for the obstacles of a worker, and the advice for its machine."""
    known = [one for one in Obstacle if one.value in obstacles and one in _THERE]
    said = " and ".join(_THERE[one] for one in known) or ", ".join(obstacles)
    advice = [_WHAT_TO_DO.get(one, _MOUNT) for one in known if one is not Obstacle.STARTING]
    return said, " ".join(dict.fromkeys(advice)) or "Wait for its model to be loaded."
