"""The beginning of an upload: what is checked, and what is reserved for it."""

from __future__ import annotations

import structlog

from shared import jobs
from shared.errors import InvalidRequest
from shared.storage import space_reservations, uploads
from shared.storage.upload_size_limit import too_large
from web.authentication.owner import current_owner_id
from web.services import services
from web.uploads.deferred_length import first_room_bytes

log = structlog.stdlib.get_logger(__name__)


def begin_upload(
    filename: str, size_bytes: int | None, *, described: str = ""
) -> uploads.UploadRecord:
    """Begin an upload of who sent this request, and reserve the room that it announces.

    Without `size_bytes` its length is deferred, and room is reserved as its bytes come.

    Raises InvalidRequest, FileTooLarge, QueueFull, StorageUnavailable, InsufficientStorage, or what
    says that the owner's share is used up.
    """
    here, owner_id = services(), current_owner_id()
    if size_bytes == 0:
        raise InvalidRequest(
            f"The file '{filename}' is empty. Choose another recording.", param="Upload-Length"
        )
    if size_bytes is not None and size_bytes > here.settings.max_upload_bytes:
        raise too_large(here.settings.max_upload_bytes)
    jobs.require_room(
        here.db,
        here.queue_limit,
        filename=filename,
        size_bytes=size_bytes or 0,
        owner_id=owner_id,
        idempotency_key=None,
    )
    here.require_storage()
    room = space_reservations.room_of(here.blobs, here.owner_limits)
    upload_id = uploads.new_upload_id()
    here.blobs.begin_upload(upload_id)
    try:
        upload = uploads.create(
            here.db,
            upload_id=upload_id,
            owner_id=owner_id,
            size_bytes=first_room_bytes() if size_bytes is None else size_bytes,
            is_length_deferred=size_bytes is None,
            filename=filename,
            described=described,
            kept_s=here.uploads_kept_s,
            room=room,
        )
    except BaseException:
        # If the row was committed all the same, its client does not know the upload.
        here.blobs.discard_upload(upload_id)
        raise
    log.info("upload began", upload_id=upload_id, bytes=size_bytes)
    return upload
