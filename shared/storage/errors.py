"""Errors of the storage: a missing or full disk, a lost recording, a recording in use."""

from __future__ import annotations

import errno

from shared.errors import InsufficientStorage, PermanentError, TransientError


class StorageUnavailable(TransientError):
    """The storage of the recordings is not the one that the database knows, or cannot be read."""

    code = "storage_unavailable"
    http_status = 503
    default_message = (
        "The storage of the recordings is not there: it is not mounted, or another one is. "
        "Nothing is lost; try again once the operator has brought it back."
    )


class StorageSilent(StorageUnavailable, OSError):
    """A storage behind a network does not answer, or refuses: `reason`, at `place`.

    An OSError too, as a folder raises it that cannot be used.
    """

    def __init__(self, reason: str = "", place: str = "") -> None:
        super().__init__()
        self.errno = errno.EIO
        self.strerror = reason
        self.filename = place

    def again(self) -> StorageSilent:
        """A copy of this error, to be raised once more."""
        return StorageSilent(self.strerror or "", self.filename)


class NoRoomToDecode(InsufficientStorage):
    """A worker's disk has no room for the sound of a recording of `length_s` seconds. It waits."""

    default_message = (
        "A worker's disk has no room for this recording just now. It goes on once there is room."
    )

    def __init__(self, message: str | None = None, *, length_s: float | None = None) -> None:
        super().__init__(message)
        self.length_s = length_s


class DiskTooSmall(PermanentError):
    """Recording with more decoded sound than any worker's disk holds, even when empty."""

    code = "disk_too_small"
    http_status = 507
    default_message = (
        "This recording is too long for the disks of the workers, even when they are empty. Split "
        "it, or ask the operator for a larger disk."
    )


class RecordingMissing(PermanentError):
    code = "recording_missing"
    http_status = 404
    default_message = (
        "The recording's file is gone from the server's recordings folder; the transcript is still "
        "here. Ask the operator to bring it back from a backup."
    )


class RecordingLost(RecordingMissing):
    """The file is gone of a recording that is still to be transcribed."""

    default_message = (
        "The recording's file is gone from the server's recordings folder, so it cannot be "
        "transcribed. Ask the operator to bring it back from a backup, then retry the job, or "
        "submit it again."
    )


class RecordingInUse(PermanentError):
    """Recording of which another job waits or runs."""

    code = "recording_in_use"
    http_status = 409
    default_message = (
        "This recording is being transcribed already. Wait until that has ended, or cancel it."
    )


class OtherSound(PermanentError):
    """Request for another track or channel of a recording than was heard before, or for one in
    place of all: its playable copy, of which it has one, plays what was heard."""

    code = "other_sound"
    http_status = 409
    default_message = (
        "The player plays the tracks and channels that were heard of this recording, so the same "
        "must be heard again: all of them, together or each as a person, or the same single one. "
        "Submit the file itself again to have others heard."
    )
