"""A part of an object on its way to the bucket, and the multipart upload that it belongs to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

from shared.errors import storage_error
from shared.storage.s3.client import Client, NoSuchUpload

LEAST_PART_BYTES = 8 * 2**20
"""S3 takes no smaller parts than 5 MiB, but for the last one."""

_MOST_PARTS = 10_000
_MIB = 2**20
_READ_BYTES = 2**18


def part_bytes_for(most_bytes: int) -> int:
    """The size of parts with which the largest object has no more of them than S3 takes."""
    return max(LEAST_PART_BYTES, -(-most_bytes // (_MOST_PARTS * _MIB)) * _MIB)


class PartFile:
    """The bytes of one part until they are sent, in a file without a name.

    Not in memory: as many requests send at once as a web server has threads for transfers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, data: bytes | memoryview) -> None:
        """Append bytes to the part. Raises InsufficientStorage."""
        try:
            file = self._opened()
            file.seek(self.size)
            file.write(data)
            file.flush()
        except OSError as error:
            raise storage_error(error) from error
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Drop what comes after `size`."""
        self.size = size
        if self._file is not None:
            self._file.truncate(size)

    def body(self) -> dict[str, Any]:
        """Arguments of the request that sends the part: the bytes, and the digest by which the
        server verifies them."""
        file = self._opened()
        file.seek(0)
        md5 = hashlib.md5(usedforsecurity=False)
        while piece := file.read(_READ_BYTES):
            md5.update(piece)
        file.seek(0)
        return {
            "Body": file,
            "ContentLength": self.size,
            "ContentMD5": base64.b64encode(md5.digest()).decode(),
        }

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close
        return self._file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self.size = 0


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the server has."""

    number: int
    size_bytes: int
    etag: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Multipart:
    """An object that comes in parts: it is there once it is completed, and not before."""

    client: Client
    name: str
    id: str

    @classmethod
    def begin(cls, client: Client, name: str) -> Self:
        answer = client.send("create_multipart_upload", name, **client.writing())
        return cls(client, name, answer["UploadId"])

    def send(self, number: int, part: PartFile) -> str:
        """Send a part, in the place of one that was there; its ETag. Raises NoSuchUpload."""
        answer = self.client.send(
            "upload_part", self.name, UploadId=self.id, PartNumber=number, **part.body()
        )
        etag: str = answer["ETag"]
        return etag

    def sent(self) -> dict[int, SentPart]:
        """The parts that are there, by number. Raises NoSuchUpload."""
        return {
            part["PartNumber"]: SentPart(
                part["PartNumber"], part["Size"], part["ETag"], part["LastModified"]
            )
            for part in self.client.parts(self.name, self.id)
        }

    def complete(self, etags: Iterable[str]) -> None:
        """Make the object of its parts, which begin with the first. Raises NoSuchUpload."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
        if not parts:  # S3 makes no object of no parts
            self.client.send("put_object", self.name, Body=b"", **self.client.writing())
            self.abort()
            return
        self.client.send(
            "complete_multipart_upload",
            self.name,
            UploadId=self.id,
            MultipartUpload={"Parts": parts},
        )

    def abort(self) -> None:
        """Drop the parts; no error if there are none."""
        with contextlib.suppress(NoSuchUpload, FileNotFoundError):
            self.client.send("abort_multipart_upload", self.name, UploadId=self.id)
