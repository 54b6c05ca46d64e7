"""Recordings in a folder, under names of our own.

    incoming/   files that come in one request, until they are whole
    uploads/    files that come in several (`shared.storage.local.partial_upload`)
    ab/<id>     recordings, below the last two digits of their ids
    storage-id  the id of this storage (`shared.storage.identity`)

A file is written and hashed in `incoming/`, synced, and renamed to its place, so a recording is
there entirely or not at all.  What a crash leaves in `incoming/` belongs to nobody.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from shared.errors import storage_error
from shared.models import new_id
from shared.storage.blob_store import StoredEntry, is_key, key_of, require_key
from shared.storage.local.durable import fsync_directory
from shared.storage.local.incoming import IncomingFile
from shared.storage.local.partial_upload import UnfinishedFile, locked
from shared.storage.measured_space import (
    nearest_existing,
    require_space,
    require_writable,
    usable_bytes,
)
from shared.storage.upload_size_limit import too_large


class LocalFolder:
    """A BlobStore in a folder that web servers and workers share."""

    def __init__(self, root: Path, *, min_free_bytes: int) -> None:
        """The folder stays as it is, and may be missing, until something is written to it."""
        self.root = root
        self._incoming = root / "incoming"
        self._uploads = root / "uploads"
        self._identity = root / "storage-id"
        self._min_free_bytes = min_free_bytes

    def check_writable(self) -> None:
        for folder in (self.root, self._incoming):
            require_writable(folder)

    def usable_bytes(self) -> int:
        return usable_bytes(nearest_existing(self.root), self._min_free_bytes)

    def identity(self) -> str | None:
        try:
            return self._identity.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise OSError(errno.EIO, "damaged", str(self._identity)) from error

    def set_identity(self, identity: str) -> str:
        self._incoming.mkdir(parents=True, exist_ok=True)
        draft = self._incoming / new_id()
        try:
            with draft.open("x", encoding="ascii") as file:
                file.write(f"{identity}\n")
                file.flush()
                os.fsync(file.fileno())
            self._name_once(draft)
        finally:
            draft.unlink(missing_ok=True)
        fsync_directory(self.root)
        return self.identity() or identity

    def _name_once(self, draft: Path) -> None:
        """Give `draft` the name of the identity, unless that is taken."""
        try:
            self._identity.hardlink_to(draft)
        except FileExistsError:
            return  # of two that write one at once, the first wins
        except OSError:  # no links on this file system
            if not self._identity.exists():
                draft.rename(self._identity)

    def receive(
        self, *, max_bytes: int, expected_bytes: int = 0, blob_id: str | None = None
    ) -> IncomingFile:
        if expected_bytes > max_bytes:
            raise too_large(max_bytes)
        require_space(self, expected_bytes)
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            return IncomingFile(
                self._incoming,
                self._path,
                max_bytes,
                require_space=lambda: require_space(self),
                blob_id=blob_id,
            )
        except OSError as error:  # a disk has room, and no inode for one more file
            raise storage_error(error) from error

    def open_range(self, key: str, start: int = 0, stop: int | None = None) -> FileRange:
        return FileRange(self._path(key).open("rb"), start, stop)

    @contextmanager
    def local_copy(
        self,
        key: str,
        *,
        sha256: str | None = None,
        require_room: Callable[[int], None] | None = None,
        progress: Callable[[], None] | None = None,
    ) -> Iterator[int]:
        """Lend the file itself: nothing is copied, and so nothing asked or compared."""
        descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    @property
    def presigned_origin(self) -> None:
        return None

    def presigned_url(self, key: str, *, media_type: str, disposition: str) -> None:
        return None

    def presigned_identity_url(self) -> None:
        return None

    def exists(self, key: str) -> bool:
        return self._path(key).exists()

    def begin_upload(self, upload_id: str) -> None:
        try:
            self._uploads.mkdir(parents=True, exist_ok=True)
            (self._uploads / upload_id).open("xb").close()
            fsync_directory(self._uploads)
        except OSError as error:
            raise storage_error(error) from error

    @contextmanager
    def hold_upload(self, upload_id: str, *, wait_s: float = 0.0) -> Iterator[UnfinishedFile]:
        # Whole but without its job yet, as a crash leaves it, it stands in its place already.
        places = self._uploads / upload_id, self._path(key_of(upload_id))
        with locked(places, wait_s=wait_s) as file:
            yield UnfinishedFile(file, upload_id, *places)

    def discard_upload(self, upload_id: str) -> None:
        (self._uploads / upload_id).unlink(missing_ok=True)

    def recordings(self) -> Iterator[StoredEntry]:
        for folder in _inside(self.root):
            if folder not in (self._incoming, self._uploads) and folder.is_dir():
                for entry in _entries(folder, f"{folder.name}/"):
                    if is_key(entry.name):  # what others put there is theirs
                        yield entry

    def incoming(self) -> Iterator[StoredEntry]:
        return _entries(self._incoming)

    def unfinished_uploads(self) -> Iterator[StoredEntry]:
        return _entries(self._uploads)

    def discard_incoming(self, name: str) -> None:
        (self._incoming / name).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.root / require_key(key)


class FileRange:
    """The bytes [start, stop) of an open file."""

    def __init__(self, file: BinaryIO, start: int, stop: int | None) -> None:
        self._file = file
        self.size_bytes = file.seek(0, os.SEEK_END)
        self._left = max(0, (self.size_bytes if stop is None else stop) - start)
        file.seek(start)

    def read(self, most: int) -> bytes:
        data = self._file.read(min(most, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _entries(folder: Path, before: str = "") -> Iterator[StoredEntry]:
    """List the files of `folder`; the name of each begins with `before`."""
    for path in _inside(folder):
        try:
            status = path.lstat()
        except FileNotFoundError:  # removed meanwhile
            continue
        yield StoredEntry(f"{before}{path.name}", str(path), status.st_size, status.st_mtime)
