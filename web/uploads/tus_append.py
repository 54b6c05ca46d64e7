"""The bytes of one PATCH to an upload, on their way to the disk."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import request
from werkzeug.exceptions import ClientDisconnected

from shared.errors import FileTooLarge, InsufficientStorage
from shared.quotas.errors import StorageShareFull
from shared.storage import uploads
from shared.storage.blob_store import UnfinishedUpload
from shared.storage.measured_space import require_space
from web.services import services
from web.uploads import tus_protocol
from web.uploads.deferred_length import room_up_to
from web.uploads.request_body import body_pieces

SYNC_EVERY_BYTES = 64 * 2**20
"""The most bytes that a client must send again when the server is killed during one request."""


class Append:
    """The body of a PATCH, appended to an upload that this request holds.

    `durable_bytes` is the offset that the client may be told, `expires_at` when the upload expires.
    """

    def __init__(self, upload: uploads.UploadRecord, held: UnfinishedUpload) -> None:
        self._upload = upload
        self._held = held
        self.durable_bytes = upload.received_bytes
        self.expires_at = upload.expires_at
        self._running: Any = None
        self._hashed = upload.received_bytes

    def store(self, checksum: tus_protocol.Checksum | None) -> None:
        """Store the body, or what arrived before the client left; with a checksum all or nothing.

        Raises ChecksumMismatch, FileTooLarge, InsufficientStorage, StorageShareFull,
        ClientDisconnected.
        """
        self._held.cut(self.durable_bytes)
        hashes = services().hashes
        self._running = hashes.take(self._upload.id, self.durable_bytes)
        if self.durable_bytes == 0:
            self._running = hashlib.sha256()
        try:
            if checksum is None:
                self._store_what_arrives()
            else:
                self._store_all_or_nothing(checksum)
        finally:
            # A hash that includes bytes beyond the durable ones, of a broken request, is of no use.
            if self._running is not None and self._hashed == self.durable_bytes:
                hashes.put(self._upload.id, self.durable_bytes, self._running)

    def _store_all_or_nothing(self, checksum: tus_protocol.Checksum) -> None:
        digest = checksum.begin()
        at = self.durable_bytes
        try:
            for piece in body_pieces(request):
                at = self._write(piece, at)
                digest.update(piece)
            checksum.require(digest)
        except BaseException:
            self._held.cut(self.durable_bytes)
            raise
        self._commit(at)

    def _store_what_arrives(self) -> None:
        at = self.durable_bytes
        try:
            for piece in body_pieces(request):
                at = self._write(piece, at)
                if at - self.durable_bytes >= SYNC_EVERY_BYTES:
                    self._commit(at)
                    require_space(services().blobs)
        except (ClientDisconnected, InsufficientStorage, StorageShareFull):
            self._commit(at)
            raise
        except FileTooLarge:  # the client sends something else than it announced
            self._held.cut(self.durable_bytes)
            raise
        self._commit(at)

    def _write(self, piece: bytes, at: int) -> int:
        self._upload = room_up_to(self._upload, at + len(piece))
        self._held.write(piece)
        at += len(piece)
        if self._running is not None:
            self._running.update(piece)
            self._hashed = at
        return at

    def _commit(self, at: int) -> None:
        """Make the bytes up to offset `at` durable, then store the offset."""
        if at == self.durable_bytes:
            return
        self._held.sync()
        self.expires_at = uploads.advance(
            services().db,
            owner_id=self._upload.owner_id,
            upload_id=self._upload.id,
            offset=self.durable_bytes,
            to=at,
            kept_s=services().uploads_kept_s,
        )
        self.durable_bytes = at
