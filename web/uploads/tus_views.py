"""/api/v1/uploads: recordings that are sent in pieces, by the tus 1.0 protocol.

A client that lost its connection asks with HEAD for the upload's offset and goes on from there with
PATCH. Bytes are written as they arrive, and the offset counts them once they are durable. A
complete upload becomes a job through `POST /api/v1/jobs` with its id.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.http import http_date

from shared.errors import OffsetMismatch
from shared.storage import uploads
from shared.storage.measured_space import require_space
from web.authentication.owner import current_owner_id
from web.http.filenames import clean_filename
from web.services import services
from web.uploads import tus_openapi, tus_protocol
from web.uploads.begin import begin_upload
from web.uploads.deferred_length import room_up_to, with_length
from web.uploads.tus_append import Append

log = structlog.stdlib.get_logger(__name__)

blueprint = APIBlueprint("uploads", __name__, url_prefix=tus_protocol.PATH, enable_openapi=False)


@blueprint.before_request
def _require_version() -> None:
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != tus_protocol.VERSION:
        raise tus_protocol.UnsupportedTusVersion


@blueprint.after_request
def _tell_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = tus_protocol.VERSION
    if response.status_code == tus_protocol.UnsupportedTusVersion.http_status:
        response.headers["Tus-Version"] = tus_protocol.VERSION
    return response


@blueprint.route("", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/<uuid:upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
def tell_abilities(upload_id: UUID | None = None) -> Response:
    """Answer OPTIONS with the protocol's version, its extensions and the largest upload."""
    response = Response(status=204)
    response.headers["Tus-Version"] = tus_protocol.VERSION
    response.headers["Tus-Extension"] = tus_protocol.EXTENSIONS
    response.headers["Tus-Max-Size"] = str(services().settings.max_upload_bytes)
    response.headers["Tus-Checksum-Algorithm"] = ",".join(tus_protocol.CHECKSUM_ALGORITHMS)
    return response


@blueprint.post("")
@tus_openapi.operation(
    201,
    "Begun.",
    tus_openapi.LENGTH,
    tus_openapi.DEFERRED_LENGTH,
    tus_openapi.METADATA,
    answers=tus_openapi.ADDRESS | tus_openapi.OFFSET_AND_EXPIRY,
    errors=(400, 413, 429, 507),
)
def create_upload() -> Response:
    """Begin an upload.

    The protocol is [tus 1.0](https://tus.io/protocols/resumable-upload) with
    creation,creation-defer-length,termination,expiration,checksum; any tus client can be used.
    Submit the finished upload with `POST /api/v1/jobs` and `{"upload_id": "…"}`.
    """
    size_bytes = tus_protocol.announced_length(request.headers)
    described = request.headers.get("Upload-Metadata", "")
    filename = clean_filename(tus_protocol.metadata(described).get("filename"))
    upload = begin_upload(filename, size_bytes, described=described)
    response = _offset_response(upload.received_bytes, upload.expires_at, status=201)
    response.headers["Location"] = url_for(".get_upload_offset", upload_id=upload.id)
    return response


@blueprint.route("/<uuid:upload_id>", methods=["HEAD"], provide_automatic_options=False)
@tus_openapi.operation(
    200,
    "Where to go on.",
    tus_openapi.ID,
    answers=tus_openapi.WHOLE_LENGTH | tus_openapi.OFFSET_AND_EXPIRY,
    errors=(410,),
)
def get_upload_offset(upload_id: UUID) -> Response:
    """Ask how far an upload came.

    The offset counts only what is safe on disk.
    """
    upload = _find(upload_id)
    response = _offset_response(upload.received_bytes, upload.expires_at, status=200)
    if upload.is_length_deferred:
        response.headers["Upload-Defer-Length"] = "1"
    else:
        response.headers["Upload-Length"] = str(upload.size_bytes)
    if upload.described:
        response.headers["Upload-Metadata"] = upload.described
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.patch("/<uuid:upload_id>")
@tus_openapi.operation(
    204,
    "Kept.",
    tus_openapi.ID,
    tus_openapi.OFFSET,
    tus_openapi.LENGTH_AT_LAST,
    tus_openapi.CHECKSUM,
    answers=tus_openapi.OFFSET_AND_EXPIRY,
    errors=(409, 410, 415, 423, 460, 507),
    body=True,
)
def append_to_upload(upload_id: UUID) -> Response:
    """Send the next bytes.

    As many as you like in one request. If the line drops, what arrived is kept; with an
    `Upload-Checksum` a request's bytes are kept all or not at all. A length that was deferred is
    told by `Upload-Length` with the last bytes or, after them, with none. Beside the protocol's own
    type `application/octet-stream` is taken, for clients that are generated.
    """
    here = services()
    offset = tus_protocol.whole_number("Upload-Offset", request.headers.get("Upload-Offset"))
    checksum = tus_protocol.checksum(request.headers.get("Upload-Checksum"))
    told_length = request.headers.get("Upload-Length")
    length = (
        None if told_length is None else tus_protocol.whole_number("Upload-Length", told_length)
    )
    if request.mimetype not in tus_protocol.CONTENT_TYPES:
        raise tus_protocol.WrongContentType
    _find(upload_id)  # unknown and expired are answered before busy
    here.require_storage()
    with here.blobs.hold_upload(str(upload_id)) as held:
        upload = uploads.renew(
            here.db,
            owner_id=current_owner_id(),
            upload_id=str(upload_id),
            kept_s=here.uploads_kept_s,
        )
        if offset != upload.received_bytes:
            raise OffsetMismatch(
                f"This upload stands at {upload.received_bytes}, not at {offset}. Ask for its "
                "offset with HEAD and go on from there.",
                param="Upload-Offset",
            )
        announced = request.content_length or 0
        if length is not None:
            upload = with_length(upload, length, announced)
        upload = room_up_to(upload, offset + announced)
        require_space(here.blobs, announced)
        if offset == upload.size_bytes and not upload.is_length_deferred:
            # Complete, perhaps a job's already: nothing to write.
            return _offset_response(offset, upload.expires_at, status=204)
        append = Append(upload, held)
        append.store(checksum)
    return _offset_response(append.durable_bytes, append.expires_at, status=204)


@blueprint.delete("/<uuid:upload_id>")
@tus_openapi.operation(204, "Gone.", tus_openapi.ID, errors=(410, 423))
def end_upload(upload_id: UUID) -> Response:
    """Give an upload up.

    Its bytes are removed, unless a job was made of them.
    """
    _find(upload_id)
    here = services()
    here.require_storage()
    uploads.remove(here.db, here.blobs, owner_id=current_owner_id(), upload_id=str(upload_id))
    return Response(status=204)


def _find(upload_id: UUID) -> uploads.UploadRecord:
    return uploads.find(services().db, owner_id=current_owner_id(), upload_id=str(upload_id))


def _offset_response(offset: int, expires_at: datetime, *, status: int) -> Response:
    response = Response(status=status)
    response.headers["Upload-Offset"] = str(offset)
    response.headers["Upload-Expires"] = http_date(expires_at)
    return response
