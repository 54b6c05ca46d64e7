"""Recordings in a bucket of an S3 server, below a prefix.

    ab/<id>       recordings, below the last two digits of their ids
    uploads/<id>/ what is known of uploads in several requests (`shared.storage.s3.partial_upload`)
    storage-id    the id of this storage (`shared.storage.identity`)
    writable      written to find out whether it can be

A recording comes by a multipart upload, and so is there entirely or not at all.  One that no
request completed, as a crash leaves it, belongs to nobody.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import UploadExpired, storage_error
from shared.settings import Settings
from shared.storage.blob_store import StoredEntry, is_key, key_of, require_key
from shared.storage.measured_space import WorkSpace, require_space, work_space
from shared.storage.s3 import abandoned_uploads
from shared.storage.s3.cached_answer import CachedAnswer
from shared.storage.s3.client import AlreadyThere, BucketAddress, Client
from shared.storage.s3.incoming import IncomingObject
from shared.storage.s3.part import part_bytes_for
from shared.storage.s3.partial_upload import UnfinishedObject, UploadState, objects_below
from shared.storage.s3.reading import ObjectRange
from shared.storage.s3.upload_locks import held
from shared.storage.upload_size_limit import too_large

_IDENTITY = "storage-id"
_WRITABLE = "writable"
_ENDLESS_BYTES = 2**60
"""A bucket does not tell how much it still takes."""

_NO_UPLOAD = "00000000-0000-0000-0000-000000000000"
"""Stands for the identity among what is held."""

_OTHERS_WRITE_S = 60.0
_IDENTITY_HOLDS_S = 2.0
"""Seconds for which pages and sweeps do not ask again."""

_WRITABLE_HOLDS_S = 60.0
_CHUNK_BYTES = 2**20


class Bucket:
    """A BlobStore in a bucket. `folder` is this machine's, for parts on their way and for holds."""

    def __init__(
        self,
        address: BucketAddress,
        *,
        folder: Path,
        work: WorkSpace,
        part_bytes: int,
        presigned_s: int = 0,
    ) -> None:
        """Keep the arguments; no request is sent to the server, and nothing is created, before the
        first use."""
        self._address = address
        self._client = Client(address)
        self._folder = folder
        self._work = work
        self._part_bytes = part_bytes
        self._presigned_s = presigned_s
        self._identity: CachedAnswer[str | None] = CachedAnswer(
            _IDENTITY_HOLDS_S, self._ask_identity
        )
        self._writable = CachedAnswer(_WRITABLE_HOLDS_S, self._try_writing)

    @classmethod
    def of(cls, settings: Settings) -> Bucket:
        """The bucket that the settings name."""
        address = BucketAddress(
            bucket=settings.s3_bucket,
            prefix=settings.s3_prefix,
            endpoint=settings.s3_endpoint,
            public_endpoint=settings.s3_public_endpoint,
            region=settings.s3_region,
            access_key_id=settings.s3_access_key_id.get_secret_value(),
            secret_access_key=settings.s3_secret_access_key.get_secret_value(),
            addressing=settings.s3_addressing,
            encryption=settings.s3_encryption,
            kms_key_id=settings.s3_kms_key_id,
            storage_class=settings.s3_storage_class,
            timeout_s=settings.s3_timeout_s,
        )
        return cls(
            address,
            folder=settings.data_dir.resolve() / "transfers",
            work=work_space(settings),
            part_bytes=part_bytes_for(settings.max_upload_bytes),
            presigned_s=settings.s3_presigned_s,
        )

    @property
    def location(self) -> str:
        return self._address.url()

    def check_writable(self) -> None:
        self._writable.get()

    def _try_writing(self) -> bool:
        self._client.send("put_object", _WRITABLE, Body=b"", **self._client.writing(for_now=True))
        return True

    def usable_bytes(self) -> int:
        return _ENDLESS_BYTES

    # --- which storage it is

    def identity(self) -> str | None:
        return self._identity.get()

    def _ask_identity(self) -> str | None:
        try:
            answer = self._client.send("get_object", _IDENTITY, quickly=True)
        except FileNotFoundError:
            return None
        with self._client.told(_IDENTITY):
            text: str = answer["Body"].read(100).decode("ascii", "replace").strip()
        return text or None

    def set_identity(self, identity: str) -> str:
        # Of two that write one at once the first wins: here by the hold, for not every server
        # minds the condition; of two machines where it does.
        with held(self._folder / "held", _NO_UPLOAD, wait_s=_OTHERS_WRITE_S):
            found = self._ask_identity()
            if found is None:
                body = f"{identity}\n".encode("ascii")
                values = {"Body": body, "IfNoneMatch": "*", **self._client.writing(for_now=True)}
                with contextlib.suppress(AlreadyThere):
                    self._client.send("put_object", _IDENTITY, **values)
                found = self._ask_identity()
        self._identity.forget()
        return found or identity

    # --- recordings

    def receive(
        self, *, max_bytes: int, expected_bytes: int = 0, blob_id: str | None = None
    ) -> IncomingObject:
        if expected_bytes > max_bytes:
            raise too_large(max_bytes)
        return IncomingObject(
            self._client,
            self._folder,
            part_bytes=self._part_bytes,
            max_bytes=max_bytes,
            blob_id=blob_id,
        )

    def open_range(self, key: str, start: int = 0, stop: int | None = None) -> ObjectRange:
        return ObjectRange(self._client, require_key(key), start, stop)

    @property
    def presigned_origin(self) -> str | None:
        return self._client.public_origin() if self._presigned_s else None

    def presigned_url(self, key: str, *, media_type: str, disposition: str) -> str | None:
        if not self._presigned_s:
            return None
        return self._client.sign(
            require_key(key),
            expires_s=self._presigned_s,
            ResponseContentType=media_type,
            ResponseContentDisposition=disposition,
            ResponseCacheControl="private, no-cache",
        )

    def presigned_identity_url(self) -> str | None:
        if not self._presigned_s:
            return None
        return self._client.sign(_IDENTITY, expires_s=self._presigned_s)

    @contextmanager
    def local_copy(
        self,
        key: str,
        *,
        sha256: str | None = None,
        require_room: Callable[[int], None] | None = None,
        progress: Callable[[], None] | None = None,
    ) -> Iterator[int]:
        with self.open_range(key) as reader:
            if require_room is None:
                require_space(self._work, reader.size_bytes)
            else:
                require_room(reader.size_bytes)
            self._work.path.mkdir(parents=True, exist_ok=True)
            # Without a name: it is gone with its process, however that ends.
            with tempfile.TemporaryFile(dir=self._work.path) as file:
                digest = hashlib.sha256()
                while piece := reader.read(_CHUNK_BYTES):
                    digest.update(piece)
                    try:
                        file.write(piece)
                    except OSError as error:
                        raise storage_error(error) from error
                    if progress is not None:
                        progress()
                if sha256 not in (None, digest.hexdigest()):
                    raise OSError(
                        errno.EIO, "not the bytes that were stored", self._address.url(key)
                    )
                reader.close()
                file.flush()
                os.lseek(file.fileno(), 0, os.SEEK_SET)
                yield file.fileno()

    def delete(self, key: str) -> None:
        self._client.send("delete_object", require_key(key))

    def exists(self, key: str) -> bool:
        try:
            self._client.send("head_object", require_key(key))
        except FileNotFoundError:
            return False
        return True

    # --- uploads in several requests

    def begin_upload(self, upload_id: str) -> None:
        UploadState.begin(self._client, upload_id, self._part_bytes)

    @contextmanager
    def hold_upload(self, upload_id: str, *, wait_s: float = 0.0) -> Iterator[UnfinishedObject]:
        with held(self._folder / "held", upload_id, wait_s=wait_s):
            state = UploadState.find(self._client, upload_id)
            if state is None and not self.exists(key_of(upload_id)):
                raise UploadExpired
            upload = UnfinishedObject(self._client, self._folder, upload_id, state)
            with contextlib.closing(upload):
                yield upload

    def discard_upload(self, upload_id: str) -> None:
        abandoned_uploads.discard_upload(self._client, upload_id)

    # --- listings

    def recordings(self) -> Iterator[StoredEntry]:
        for found in objects_below(self._client, ""):
            name = self._client.name_of(found["Key"])
            if is_key(name):  # what others put there is theirs
                where, written_at = self._client.address.url(name), found["LastModified"]
                yield StoredEntry(name, where, found["Size"], written_at.timestamp())

    def incoming(self) -> Iterator[StoredEntry]:
        return abandoned_uploads.incoming(self._client)

    def unfinished_uploads(self) -> Iterator[StoredEntry]:
        return abandoned_uploads.unfinished_uploads(self._client)

    def discard_incoming(self, name: str) -> None:
        abandoned_uploads.discard_incoming(self._client, name)
