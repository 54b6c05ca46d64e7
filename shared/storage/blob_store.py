"""Interface of the storage for recordings and for the bytes of unfinished uploads.

One implementation stores them in a local folder (`shared.storage.local`), another in a bucket of an
S3 server (`shared.storage.s3`).  Nothing outside of `shared.storage` knows a path or a bucket: web
and worker hold a BlobStore, which `shared.storage.configured` chooses, and name a recording by its
key.  Every implementation passes `tests/unit/storage`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, Self

from shared.storage.measured_space import Space

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f-]{36}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """Bytes that survive a power cut. `key` finds them again."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """Item of a listing, for the search for bytes that no row names."""

    name: str
    """A recording's key, an upload's id, or the name of a file being received."""
    location: str
    """Place where an operator finds it: a path or a URL, for messages only."""
    size_bytes: int
    written_at: float
    """Seconds since the epoch, by the store's clock."""


class IncomingBlob(Protocol):
    """A file being received in one request: write to it, then keep or discard it.

    Left without `keep`, it is discarded.
    """

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""

    def write(self, data: bytes) -> int:
        """Append `data` and give its length. Raises FileTooLarge or InsufficientStorage."""

    def keep(self) -> StoredBlob:
        """Make the bytes durable and readable under a key. Raises InsufficientStorage."""

    def discard(self) -> None:
        """Remove the bytes. Does nothing once they are kept."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class UnfinishedUpload(Protocol):
    """The bytes of an upload that comes in several requests, held by one of them."""

    def cut(self, size_bytes: int) -> None:
        """Drop what comes after `size_bytes` and go on writing there.

        Raises UploadExpired if there are fewer bytes.
        """

    def write(self, data: bytes) -> None:
        """Append all of `data`. Raises InsufficientStorage."""

    def sync(self) -> None:
        """Make durable what was written. Raises InsufficientStorage."""

    def keep(self, size_bytes: int, *, sha256: str | None = None) -> StoredBlob:
        """Make a recording of it, reading it for its hash unless that is known.

        Safe to repeat, also after a crash in between.  Raises UploadExpired unless it has
        `size_bytes`, or InsufficientStorage.
        """


class BlobReader(Protocol):
    """A range of a recording being read."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole recording, not of the range."""

    def read(self, most: int) -> bytes:
        """Read up to `most` bytes; none at the range's or the recording's end."""

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class BlobStore(Space, Protocol):
    """Recordings of this installation, shared by its web servers and workers.

    A recording is there entirely or not at all.  Methods that take a key raise ValueError for one
    that `is_key` refuses; all raise OSError when the storage cannot be used.
    """

    def check_writable(self) -> None:
        """Check that something can be written. Raises OSError, with the place as its `filename`, if
        nothing can be written."""

    # --- which storage it is

    def identity(self) -> str | None:
        """The id that was written into this storage; None where there is none."""

    def set_identity(self, identity: str) -> str:
        """Write the id, durably, unless there is one; the id that is there then."""

    # --- recordings

    @property
    def presigned_origin(self) -> str | None:
        """Scheme, host and port of every `presigned_url`; None where there are none."""

    def receive(
        self, *, max_bytes: int, expected_bytes: int = 0, blob_id: str | None = None
    ) -> IncomingBlob:
        """Start receiving a file of about `expected_bytes`, refusing more than `max_bytes`.

        `blob_id` decides the key (`key_of`), and what is kept takes the place of what is there;
        without it the key is new.  Raises FileTooLarge or InsufficientStorage before a byte is
        taken.
        """

    def open_range(self, key: str, start: int = 0, stop: int | None = None) -> BlobReader:
        """Open the bytes [start, stop) of a recording. Raises FileNotFoundError if it is gone."""

    def presigned_url(self, key: str, *, media_type: str, disposition: str) -> str | None:
        """An address at which a browser gets a recording from the storage itself, with these
        headers; None where its bytes only come through this server.

        Whoever has it may read the recording until it expires, which is soon.  The recording need
        not be there.
        """

    def presigned_identity_url(self) -> str | None:
        """An address that is signed as those are, of the small object that has the id, to try
        whether they lead there; None where there are none."""

    def local_copy(
        self,
        key: str,
        *,
        sha256: str | None = None,
        require_room: Callable[[int], None] | None = None,
        progress: Callable[[], None] | None = None,
    ) -> AbstractContextManager[int]:
        """Lend a descriptor of a local regular file with a recording's bytes, to read and seek.

        A store that has to fetch the bytes first puts them into the work folder and removes them
        at the end. It then calls `require_room` before, with their number, and `progress` on the
        way; both may raise. It raises OSError for bytes with another hash than `sha256`.  Raises
        FileNotFoundError if the recording is gone.
        """

    def delete(self, key: str) -> None:
        """Remove a recording; no error if it is gone already."""

    def exists(self, key: str) -> bool: ...

    # --- uploads in several requests

    def begin_upload(self, upload_id: str) -> None:
        """Make room for a new upload, without bytes yet. Raises InsufficientStorage."""

    def hold_upload(
        self, upload_id: str, *, wait_s: float = 0.0
    ) -> AbstractContextManager[UnfinishedUpload]:
        """Hold an upload's bytes against every other request, waiting `wait_s` for a holder.

        The hold ends with its process, however that ends.  An upload that has become a recording
        can still be held.  Raises UploadBusy, or UploadExpired if there are no bytes.  Read the
        upload's row inside only: the holder before has just changed it.
        """

    def discard_upload(self, upload_id: str) -> None:
        """Remove an upload's bytes, not the recording that was made of them."""

    # --- listings, for what crashes leave

    def recordings(self) -> Iterable[StoredEntry]: ...
    def incoming(self) -> Iterable[StoredEntry]:
        """List files that a request receives, or that one which crashed has left."""

    def unfinished_uploads(self) -> Iterable[StoredEntry]: ...
    def discard_incoming(self, name: str) -> None:
        """Remove what a request that crashed has left; no error if it is gone already."""


def key_of(blob_id: str) -> str:
    """The key of the recording with that id; one made of an upload keeps the upload's id."""
    return f"{blob_id[-2:]}/{blob_id}"


def is_key(text: str) -> bool:
    """Return whether `text` has the form of a key, and so can name nothing but a recording."""
    return _KEY.fullmatch(text) is not None


def require_key(key: str) -> str:
    """Return `key` unchanged. Raises ValueError where `is_key` refuses it."""
    if not is_key(key):
        raise ValueError(f"not the key of a blob: {key!r}")
    return key
