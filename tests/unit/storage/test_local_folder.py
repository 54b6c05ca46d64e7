"""The folder of the recordings: a recording is on disk entirely or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from shared.errors import FileTooLarge, InsufficientStorage
from shared.storage import upload_cleanup
from shared.storage.local.folder import LocalFolder


@pytest.fixture
def store(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "recordings", min_free_bytes=0)


def files(store: LocalFolder) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_what_is_kept_is_found_again_with_its_hash(store: LocalFolder) -> None:
    with store.receive(max_bytes=100) as incoming:
        incoming.write(b"hello ")
        incoming.write(b"world")
        blob = incoming.keep()
    assert (store.root / blob.key).read_bytes() == b"hello world"
    assert blob.size_bytes == 11
    assert blob.sha256 == hashlib.sha256(b"hello world").hexdigest()
    store.delete(blob.key)
    store.delete(blob.key)
    assert files(store) == []


def test_a_disk_without_an_inode_left_is_full(
    store: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_inode(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "open", no_inode)
    with pytest.raises(InsufficientStorage), store.receive(max_bytes=100):
        pass
    with pytest.raises(InsufficientStorage):
        store.begin_upload("01a229ca-0000-7000-8000-000000000000")


def test_what_is_not_kept_is_gone(store: LocalFolder) -> None:
    with pytest.raises(ConnectionError), store.receive(max_bytes=100) as incoming:
        incoming.write(b"half of it")
        raise ConnectionError
    assert files(store) == []


def test_a_file_over_the_limit_is_refused_as_it_comes(store: LocalFolder) -> None:
    with pytest.raises(FileTooLarge), store.receive(max_bytes=10) as incoming:
        incoming.write(b"12345678901")
    assert files(store) == []


def test_a_full_disk_is_refused_before_a_byte_is_taken(tmp_path: Path) -> None:
    full = LocalFolder(tmp_path / "recordings", min_free_bytes=2**62)
    with pytest.raises(InsufficientStorage):
        full.receive(max_bytes=10)
    assert files(full) == []


def test_a_disk_that_fills_up_ends_an_endless_upload(
    store: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.local.incoming._CHECK_SPACE_EVERY_BYTES", 100)
    with (
        pytest.raises(InsufficientStorage),
        store.receive(max_bytes=2**40) as incoming,
    ):
        monkeypatch.setattr(store, "_min_free_bytes", 2**62)
        for _ in range(100):
            incoming.write(b"x" * 30)
    assert files(store) == []


def test_an_abandoned_upload_is_swept_and_a_living_one_stays(store: LocalFolder) -> None:
    abandoned = store.receive(max_bytes=10)
    abandoned.write(b"old")
    (old,) = files(store)
    os.utime(old, (0, 0))
    with store.receive(max_bytes=10) as living:
        living.write(b"new")
        assert upload_cleanup.sweep_incoming(store, untouched_s=60) == 1
        blob = living.keep()
    assert files(store) == [(store.root / blob.key)]


def test_the_local_copy_is_the_file_itself(store: LocalFolder) -> None:
    with store.receive(max_bytes=10) as incoming:
        incoming.write(b"sound")
        blob = incoming.keep()
    with store.local_copy(blob.key) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), (store.root / blob.key).stat())


def test_a_folder_that_is_only_looked_at_is_not_made(tmp_path: Path) -> None:
    looked_at = LocalFolder(tmp_path / "recordings", min_free_bytes=0)
    assert looked_at.usable_bytes() > 0
    assert list(looked_at.recordings()) == list(looked_at.incoming()) == []
    with pytest.raises(FileNotFoundError):
        looked_at.check_writable()
    assert list(tmp_path.iterdir()) == []
