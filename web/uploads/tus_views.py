"""/api/v1/uploads: recordings that come in pieces, by the tus 1.0 protocol.

A client that lost its line asks with HEAD how far it came and goes on from there with PATCH.
What arrives is written at once, and told only when it is durable.  A whole upload becomes a job
through `POST /api/v1/jobs` with its id.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from shared import jobs
from shared.errors import FileTooLarge, InsufficientStorage, InvalidRequest, OffsetMismatch
from shared.storage import uploads
from shared.storage.blob_store import UnfinishedUpload, too_large
from shared.storage.space import require_space
from web.authentication.owner import current_owner_id
from web.http.filenames import clean_filename
from web.services import services
from web.uploads import tus_openapi, tus_protocol
from web.uploads.multipart import body_pieces

log = structlog.stdlib.get_logger(__name__)

blueprint = APIBlueprint("uploads", __name__, url_prefix=tus_protocol.PATH, enable_openapi=False)

SYNC_EVERY_BYTES = 64 * 2**20
"""What a server that is killed may cost a client that sends everything in one request."""


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
    tus_openapi.METADATA,
    answers=tus_openapi.ADDRESS | tus_openapi.STANDING,
    errors=(400, 413, 507),
)
def create_upload() -> Response:
    """Begin an upload.

    The protocol is [tus 1.0](https://tus.io/protocols/resumable-upload) with
    creation,termination,expiration,checksum; any tus client can be used. Submit the finished
    upload with `POST /api/v1/jobs` and `{"upload_id": "…"}`.
    """
    here, owner_id = services(), current_owner_id()
    if "Upload-Defer-Length" in request.headers:
        raise InvalidRequest(
            "The length must be known from the start here: send Upload-Length.",
            param="Upload-Defer-Length",
        )
    size_bytes = tus_protocol.whole_number("Upload-Length", request.headers.get("Upload-Length"))
    described = request.headers.get("Upload-Metadata", "")
    filename = clean_filename(tus_protocol.metadata(described).get("filename"))
    if size_bytes == 0:
        raise InvalidRequest(
            f"The file '{filename}' is empty. Choose another recording.", param="Upload-Length"
        )
    if size_bytes > here.settings.max_upload_bytes:
        raise too_large(here.settings.max_upload_bytes)
    jobs.require_room(
        here.db,
        here.queue_limit,
        filename=filename,
        size_bytes=size_bytes,
        owner_id=owner_id,
        idempotency_key=None,
    )
    require_space(here.blobs, size_bytes)
    upload_id = uploads.new_upload_id()
    here.blobs.begin_upload(upload_id)
    try:
        upload = uploads.create(
            here.db,
            upload_id=upload_id,
            owner_id=owner_id,
            size_bytes=size_bytes,
            filename=filename,
            described=described,
            kept_s=here.uploads_kept_s,
        )
    except BaseException:
        # Should the row be there after all, its client was not told of it.
        here.blobs.discard_upload(upload_id)
        raise
    log.info("upload began", upload_id=upload_id, bytes=size_bytes)
    response = _standing(upload.received_bytes, upload.expires_at, status=201)
    response.headers["Location"] = url_for(".get_upload_offset", upload_id=upload_id)
    return response


@blueprint.route("/<uuid:upload_id>", methods=["HEAD"], provide_automatic_options=False)
@tus_openapi.operation(
    200,
    "Where to go on.",
    tus_openapi.ID,
    answers=tus_openapi.WHOLE_LENGTH | tus_openapi.STANDING,
    errors=(410,),
)
def get_upload_offset(upload_id: UUID) -> Response:
    """Ask how far an upload came.

    The offset counts only what is safe on disk.
    """
    upload = _find(upload_id)
    response = _standing(upload.received_bytes, upload.expires_at, status=200)
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
    tus_openapi.CHECKSUM,
    answers=tus_openapi.STANDING,
    errors=(409, 410, 415, 423, 460, 507),
    body=True,
)
def append_to_upload(upload_id: UUID) -> Response:
    """Send the next bytes.

    As many as you like in one request. If the line drops, what arrived is kept; with an
    `Upload-Checksum` a request's bytes are kept all or not at all. A generator of clients that
    does not know the type `application/offset+octet-stream` leaves this out: have it take the
    type for `application/octet-stream` (openapi-python-client: `content_type_overrides`).
    """
    here = services()
    offset = tus_protocol.whole_number("Upload-Offset", request.headers.get("Upload-Offset"))
    checksum = tus_protocol.checksum(request.headers.get("Upload-Checksum"))
    if request.mimetype != tus_protocol.CONTENT_TYPE:
        raise tus_protocol.WrongContentType
    _find(upload_id)  # what is unknown or expired is told before what is busy
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
        if announced > upload.size_bytes - offset:
            raise _more_than_announced(upload)
        require_space(here.blobs, announced)
        if offset == upload.size_bytes:  # whole, and perhaps a job's already: nothing to write
            return _standing(offset, upload.expires_at, status=204)
        arrival = _Arrival(upload, held)
        arrival.take(checksum)
    return _standing(arrival.durable, arrival.expires_at, status=204)


@blueprint.delete("/<uuid:upload_id>")
@tus_openapi.operation(204, "Gone.", tus_openapi.ID, errors=(410, 423))
def end_upload(upload_id: UUID) -> Response:
    """Give an upload up.

    Its bytes are removed, unless a job was made of them.
    """
    _find(upload_id)
    here = services()
    uploads.remove(here.db, here.blobs, owner_id=current_owner_id(), upload_id=str(upload_id))
    return Response(status=204)


class _Arrival:
    """The body of one PATCH on its way to the disk."""

    def __init__(self, upload: uploads.UploadRecord, held: UnfinishedUpload) -> None:
        self._upload = upload
        self._held = held
        self.durable = upload.received_bytes
        self.expires_at = upload.expires_at
        self._running: Any = None
        self._hashed = upload.received_bytes

    def take(self, checksum: tus_protocol.Checksum | None) -> None:
        """All of it, or what came before the client left; with a checksum all or nothing.

        Raises ChecksumMismatch, FileTooLarge, InsufficientStorage, ClientDisconnected.
        """
        self._held.cut(self.durable)
        hashes = services().hashes
        self._running = hashes.take(self._upload.id, self.durable)
        if self.durable == 0:
            self._running = hashlib.sha256()
        try:
            if checksum is None:
                self._take_what_comes()
            else:
                self._take_all_or_nothing(checksum)
        finally:
            # A hash of more than was told, of what a broken request wrote, is worth nothing.
            if self._running is not None and self._hashed == self.durable:
                hashes.put(self._upload.id, self.durable, self._running)

    def _take_all_or_nothing(self, checksum: tus_protocol.Checksum) -> None:
        digest = checksum.begin()
        at = self.durable
        try:
            for piece in body_pieces(request):
                at = self._write(piece, at)
                digest.update(piece)
            checksum.require(digest)
        except BaseException:
            self._held.cut(self.durable)
            raise
        self._tell(at)

    def _take_what_comes(self) -> None:
        at = self.durable
        try:
            for piece in body_pieces(request):
                at = self._write(piece, at)
                if at - self.durable >= SYNC_EVERY_BYTES:
                    self._tell(at)
                    require_space(services().blobs)
        except (ClientDisconnected, InsufficientStorage):
            self._tell(at)
            raise
        except FileTooLarge:  # it sends something else than it announced
            self._held.cut(self.durable)
            raise
        self._tell(at)

    def _write(self, piece: bytes, at: int) -> int:
        if at + len(piece) > self._upload.size_bytes:
            raise _more_than_announced(self._upload)
        self._held.write(piece)
        at += len(piece)
        if self._running is not None:
            self._running.update(piece)
            self._hashed = at
        return at

    def _tell(self, at: int) -> None:
        """Durable first, then told."""
        if at == self.durable:
            return
        self._held.sync()
        self.expires_at = uploads.advance(
            services().db,
            owner_id=self._upload.owner_id,
            upload_id=self._upload.id,
            offset=self.durable,
            to=at,
            kept_s=services().uploads_kept_s,
        )
        self.durable = at


def _more_than_announced(upload: uploads.UploadRecord) -> FileTooLarge:
    return FileTooLarge(
        f"This upload was announced with {upload.size_bytes} bytes, and here come more. Begin a "
        "new one with the right Upload-Length.",
        param="Content-Length",
    )


def _find(upload_id: UUID) -> uploads.UploadRecord:
    return uploads.find(services().db, owner_id=current_owner_id(), upload_id=str(upload_id))


def _standing(offset: int, expires_at: datetime, *, status: int) -> Response:
    response = Response(status=status)
    response.headers["Upload-Offset"] = str(offset)
    response.headers["Upload-Expires"] = http_date(expires_at)
    return response
