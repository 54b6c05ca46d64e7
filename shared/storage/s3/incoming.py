"""A file that comes in one request, on its way into the bucket."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Self

from shared.models import new_id
from shared.storage.blob_store import StoredBlob, key_of
from shared.storage.errors import StorageSilent
from shared.storage.s3.client import Client, NoSuchUpload
from shared.storage.s3.part import Multipart, PartFile
from shared.storage.upload_size_limit import too_large


class IncomingObject:
    """An IncomingBlob: hashed as it comes, and sent part by part. It is an object once kept."""

    def __init__(
        self,
        client: Client,
        folder: Path,
        *,
        part_bytes: int,
        max_bytes: int,
        blob_id: str | None = None,
    ) -> None:
        self._client = client
        self._part_bytes = part_bytes
        self._max_bytes = max_bytes
        self._key = key_of(blob_id or new_id())
        self._multipart = Multipart.begin(client, self._key)
        self._part = PartFile(folder)
        self._etags: list[str] = []
        self._hash = hashlib.sha256()
        self._over = False
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        self._hash.update(data)
        rest = memoryview(data)
        while rest:
            room = self._part_bytes - self._part.size
            self._part.append(rest[:room])
            rest = rest[room:]
            if self._part.size == self._part_bytes:
                self._send()
        return len(data)

    def _send(self) -> None:
        try:
            self._etags.append(self._multipart.send(len(self._etags) + 1, self._part))
        except NoSuchUpload as error:  # swept, or by a rule of the bucket
            raise self._broken() from error
        self._part.cut(0)

    def keep(self) -> StoredBlob:
        if self._part.size:
            self._send()
        try:
            self._multipart.complete(self._etags)
        except NoSuchUpload as error:
            # The first of two tries may have been heard, and its answer lost.
            if not self._is_there():
                raise self._broken() from error
        self._over = True
        self._part.close()
        return StoredBlob(self._key, self.size_bytes, self._hash.hexdigest())

    def _is_there(self) -> bool:
        try:
            head = self._client.send("head_object", self._key)
        except FileNotFoundError:
            return False
        return bool(head["ContentLength"] == self.size_bytes)

    def _broken(self) -> StorageSilent:
        url = self._client.address.url(self._key)
        return StorageSilent("its multipart upload was aborted", url)

    def discard(self) -> None:
        self._part.close()
        if not self._over:
            self._over = True
            with contextlib.suppress(StorageSilent):  # the sweep finds it
                self._multipart.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
