"""The bytes of a recording that comes in several requests: a multipart upload until it is whole.

    uploads/<id>/state           which multipart upload it is, and how large its parts are
    uploads/<id>/<start>-<stop>  the bytes after the last whole part, as far as a request came

S3 takes no small parts, and a request may end anywhere, so what is less than a part becomes durable
as an object of its own; the next request goes on with it.  Such a tail is removed only once the
upload's row says more than it reaches, so whatever breaks off, the bytes that were told are there.
Parts beyond what the row says were never promised, and are sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shared.errors import UploadExpired
from shared.storage.blob_store import StoredBlob, key_of
from shared.storage.s3.client import Client, NoSuchUpload
from shared.storage.s3.part import Multipart, PartFile, SentPart
from shared.storage.s3.reading import ObjectRange

FOLDER = "uploads/"
_STATE = "state"
_READ_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class UploadState:
    """State of an upload in the bucket."""

    upload_id: str
    multipart: Multipart
    part_bytes: int

    @classmethod
    def begin(cls, client: Client, upload_id: str, part_bytes: int) -> Self:
        multipart = Multipart.begin(client, key_of(upload_id))
        state = json.dumps({"multipart": multipart.id, "part_bytes": part_bytes})
        client.send(
            "put_object",
            f"{FOLDER}{upload_id}/{_STATE}",
            Body=state.encode(),
            **client.writing(for_now=True),
        )
        return cls(upload_id, multipart, part_bytes)

    @classmethod
    def find(cls, client: Client, upload_id: str) -> Self | None:
        try:
            answer = client.send("get_object", f"{FOLDER}{upload_id}/{_STATE}")
        except FileNotFoundError:
            return None
        with client.told(upload_id):
            state = json.loads(answer["Body"].read())
        multipart = Multipart(client, key_of(upload_id), state["multipart"])
        return cls(upload_id, multipart, int(state["part_bytes"]))

    def sent(self) -> dict[int, SentPart]:
        """Parts of the upload; none once it is a recording."""
        try:
            return self.multipart.sent()
        except NoSuchUpload:
            return {}


@dataclass(frozen=True, slots=True)
class _Tail:
    name: str
    start: int
    stop: int


def tails_of(client: Client, upload_id: str) -> Iterator[_Tail]:
    """Yield the objects beside an upload's state that hold its last bytes."""
    folder = f"{FOLDER}{upload_id}/"
    for name in names_below(client, folder):
        start, dash, stop = name.removeprefix(folder).partition("-")
        if dash and start.isdecimal() and stop.isdecimal():
            yield _Tail(name, int(start), int(stop))


def objects_below(client: Client, folder: str) -> Iterator[Any]:
    """Yield what the server's listing tells of each object whose name begins with `folder`."""
    for page in client.pages("list_objects_v2", folder):
        yield from page.get("Contents", ())


def names_below(client: Client, folder: str) -> Iterator[str]:
    for found in objects_below(client, folder):
        yield client.name_of(found["Key"])


def remove_objects_of(client: Client, upload_id: str) -> None:
    """Remove all of an upload but its multipart upload; the state last, for it names the rest."""
    state = f"{FOLDER}{upload_id}/{_STATE}"
    for name in list(names_below(client, f"{FOLDER}{upload_id}/")):
        if name != state:
            client.send("delete_object", name)
    client.send("delete_object", state)


class UnfinishedObject:
    """An UnfinishedUpload: whole parts are sent as they fill, the rest with `sync`."""

    def __init__(
        self, client: Client, folder: Path, upload_id: str, state: UploadState | None
    ) -> None:
        """`state`: None if it is a recording already."""
        self._client = client
        self._id = upload_id
        self._state = state
        self._part = PartFile(folder)
        self._part_start = 0
        """Byte at which the part that fills begins. All parts before that are sent."""
        self._wrote = False
        self._synced_to = 0

    @property
    def _stop(self) -> int:
        return self._part_start + self._part.size

    def cut(self, size_bytes: int) -> None:
        if self._part_start <= size_bytes <= self._stop:
            self._part.cut(size_bytes - self._part_start)
        elif self._wrote and size_bytes > self._stop:
            raise UploadExpired
        else:
            self._go_to(size_bytes)
        self._synced_to = min(self._synced_to, size_bytes)

    def _go_to(self, size_bytes: int) -> None:
        """Fetch what was synced of the part that `size_bytes` lies in."""
        state = self._begun()
        whole, rest = divmod(size_bytes, state.part_bytes)
        sent = state.sent() if whole else {}
        if any(self._size_of(sent, number) != state.part_bytes for number in range(1, whole + 1)):
            raise UploadExpired
        start = size_bytes - rest
        tails = list(tails_of(self._client, self._id))
        self._part.cut(0)
        if rest:
            # The nearest: one that reaches further was never told, and may hold other bytes.
            of_part = (tail for tail in tails if tail.start == start and tail.stop >= size_bytes)
            tail = min(of_part, key=lambda tail: tail.stop, default=None)
            if tail is None:
                raise UploadExpired
            self._fetch(tail.name, rest)
        self._part_start, self._synced_to = start, size_bytes
        for tail in tails:
            if tail.stop < size_bytes:  # the row says more
                self._client.send("delete_object", tail.name)

    @staticmethod
    def _size_of(sent: dict[int, SentPart], number: int) -> int:
        return sent[number].size_bytes if number in sent else -1

    def _fetch(self, name: str, size: int) -> None:
        try:
            with ObjectRange(self._client, name, 0, size) as reader:
                while piece := reader.read(_READ_BYTES):
                    self._part.append(piece)
        except FileNotFoundError as error:
            raise UploadExpired from error
        if self._part.size != size:
            raise UploadExpired

    def write(self, data: bytes) -> None:
        state = self._begun()
        self._wrote = True
        rest = memoryview(data)
        while rest:
            self._send_whole_part(state)
            room = state.part_bytes - self._part.size
            self._part.append(rest[:room])
            rest = rest[room:]
        self._send_whole_part(state)

    def _send_whole_part(self, state: UploadState) -> None:
        if self._part.size < state.part_bytes:
            return
        self._send_part(state)
        self._part_start += state.part_bytes
        self._part.cut(0)

    def _send_part(self, state: UploadState) -> str:
        try:
            return state.multipart.send(self._part_start // state.part_bytes + 1, self._part)
        except NoSuchUpload as error:
            raise UploadExpired from error

    def sync(self) -> None:
        state = self._begun()
        self._send_whole_part(state)
        if self._part.size and self._synced_to != self._stop:
            name = f"{FOLDER}{self._id}/{self._part_start:012d}-{self._stop:012d}"
            values = {**self._part.body(), **self._client.writing(for_now=True)}
            self._client.send("put_object", name, **values)
        self._synced_to = self._stop

    def keep(self, size_bytes: int, *, sha256: str | None = None) -> StoredBlob:
        if self._state is not None:
            self._complete(self._state, size_bytes)
        try:
            whole = ObjectRange(self._client, key_of(self._id), 0, None)
        except FileNotFoundError as error:
            raise UploadExpired from error
        with whole:
            if whole.size_bytes != size_bytes:
                raise UploadExpired
            sha256 = sha256 or _digest(whole)
        if self._state is not None:
            remove_objects_of(self._client, self._id)
            self._state = None
        return StoredBlob(key_of(self._id), size_bytes, sha256)

    def _complete(self, state: UploadState, size_bytes: int) -> None:
        """Make the recording; what is there already if a crash came just after."""
        try:
            if not self._wrote:
                state.multipart.sent()
                self._go_to(size_bytes)
            if self._stop != size_bytes:
                raise UploadExpired
            if self._part.size:
                self._send_part(state)
            sent = state.multipart.sent()
            count = -(-size_bytes // state.part_bytes)
            if any(number not in sent for number in range(1, count + 1)):
                raise UploadExpired
            state.multipart.complete(sent[number].etag for number in range(1, count + 1))
        except NoSuchUpload as error:
            if not self._is_recording():
                raise UploadExpired from error

    def _is_recording(self) -> bool:
        try:
            self._client.send("head_object", key_of(self._id))
        except FileNotFoundError:
            return False
        return True

    def _begun(self) -> UploadState:
        if self._state is None:  # a recording, to which nobody writes
            raise UploadExpired
        return self._state

    def close(self) -> None:
        self._part.close()


def _digest(reader: ObjectRange) -> str:
    digest = hashlib.sha256()
    while piece := reader.read(_READ_BYTES):
        digest.update(piece)
    return digest.hexdigest()
