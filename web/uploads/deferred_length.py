"""Uploads whose length is told at their end, as of a recording that is sent while it is made.

Room is reserved for them in steps, so that no more of the storage is kept from others than what has
come and one step.
"""

from __future__ import annotations

from shared.errors import FileTooLarge, InvalidRequest
from shared.storage import space_reservations, uploads
from shared.storage.upload_size_limit import too_large
from web.services import services

_STEP_BYTES = 16 * 2**20
"""Half an hour of a recording that a browser makes."""


def first_room_bytes() -> int:
    """Return the room to reserve for an upload that begins without telling its length."""
    return min(_STEP_BYTES, services().settings.max_upload_bytes)


def room_up_to(upload: uploads.UploadRecord, size_bytes: int) -> uploads.UploadRecord:
    """Return the upload with room for `size_bytes` in all, of which more may have to be reserved.

    Raises FileTooLarge where it was announced with less, or this server takes less, and, where its
    length is deferred, InsufficientStorage or StorageShareFull.
    """
    if size_bytes <= upload.size_bytes:
        return upload
    if not upload.is_length_deferred:
        raise _more_than_announced(upload)
    most = services().settings.max_upload_bytes
    if size_bytes > most:
        raise too_large(most)
    wanted = min(most, max(size_bytes, upload.size_bytes + _STEP_BYTES))
    return uploads.reserve_up_to(services().db, upload, wanted, _room())


def with_length(
    upload: uploads.UploadRecord, size_bytes: int, announced_bytes: int
) -> uploads.UploadRecord:
    """Return the upload with its length, which a request tells that brings `announced_bytes` more.

    Told again it changes nothing. Raises InvalidRequest where it was told otherwise before, is
    nothing, or is less than has come; FileTooLarge, InsufficientStorage or StorageShareFull.
    """
    if not upload.is_length_deferred:
        if size_bytes != upload.size_bytes:
            raise InvalidRequest(
                f"This upload has {upload.size_bytes} bytes, which cannot be changed. Begin a new "
                "one.",
                param="Upload-Length",
            )
        return upload
    comes = upload.received_bytes + announced_bytes
    if size_bytes < max(1, comes):
        raise InvalidRequest(
            f"With this request {comes} bytes of this upload have come, so Upload-Length cannot be "
            f"{size_bytes}.",
            param="Upload-Length",
        )
    if size_bytes > (most := services().settings.max_upload_bytes):
        raise too_large(most)
    return uploads.set_length(services().db, upload, size_bytes, _room())


def _room() -> space_reservations.Room:
    return space_reservations.room_of(services().blobs, services().owner_limits)


def _more_than_announced(upload: uploads.UploadRecord) -> FileTooLarge:
    return FileTooLarge(
        f"This upload was announced with {upload.size_bytes} bytes, and here come more. Begin a "
        "new one with the right Upload-Length.",
        param="Content-Length",
    )
