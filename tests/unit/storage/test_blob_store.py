"""What every BlobStore has to do, whatever it keeps its bytes in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from random import Random

import pytest

from shared.errors import FileTooLarge, InsufficientStorage, UploadBusy, UploadExpired
from shared.models import new_id
from shared.storage import upload_cleanup
from shared.storage.blob_store import BlobStore, StoredBlob, key_of
from shared.storage.local.folder import LocalFolder
from tests.support.doubles.memory_store import MemoryStore

WORLD = b"hello world"
MIB = 2**20
LARGE = Random(0).randbytes(13 * MIB + 7)
"""Three parts of an object, the last of them a small one."""


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "s3":
        made: BlobStore = request.getfixturevalue("s3_server").bucket(tmp_path)
        return made
    return LocalFolder(tmp_path / "recordings", min_free_bytes=0)


@pytest.fixture(params=["local", "memory"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryStore(0)
    return LocalFolder(tmp_path / "recordings", min_free_bytes=2**62)


def received(store: BlobStore, data: bytes = WORLD) -> StoredBlob:
    with store.receive(max_bytes=2**30) as incoming:
        incoming.write(data)
        return incoming.keep()


def everything(store: BlobStore) -> list[str]:
    listings = (store.recordings(), store.incoming(), store.unfinished_uploads())
    return [entry.name for listing in listings for entry in listing]


def all_of(store: BlobStore, key: str) -> bytes:
    with store.open_range(key) as sound:
        return sound.read(1000)


class TestRecordings:
    def test_what_is_kept_is_found_again_with_its_hash(self, store: BlobStore) -> None:
        with store.receive(max_bytes=100) as incoming:
            assert incoming.write(b"hello ") == 6
            incoming.write(b"world")
            assert incoming.size_bytes == 11
            blob = incoming.keep()
        assert blob == StoredBlob(blob.key, 11, hashlib.sha256(WORLD).hexdigest())
        assert all_of(store, blob.key) == WORLD
        assert everything(store) == [blob.key]
        [entry] = store.recordings()
        assert entry.size_bytes == 11 and entry.name in entry.location
        store.delete(blob.key)
        store.delete(blob.key)
        assert everything(store) == []
        assert not store.exists(blob.key)

    def test_what_is_not_kept_is_gone(self, store: BlobStore) -> None:
        with pytest.raises(ConnectionError), store.receive(max_bytes=100) as incoming:
            incoming.write(b"half of it")
            assert len(list(store.incoming())) == 1
            raise ConnectionError
        assert everything(store) == []

    def test_bytes_under_an_id_that_was_chosen_before_take_the_place_of_earlier_ones(
        self, store: BlobStore
    ) -> None:
        chosen = new_id()
        with store.receive(max_bytes=100, blob_id=chosen) as crashed:
            crashed.write(b"half of it")
            with store.receive(max_bytes=100, blob_id=chosen) as incoming:
                incoming.write(b"first")
                assert incoming.keep().key == key_of(chosen)
        with store.receive(max_bytes=100, blob_id=chosen) as incoming:
            incoming.write(WORLD)
            assert all_of(store, key_of(chosen)) == b"first"
            incoming.keep()
        assert all_of(store, key_of(chosen)) == WORLD
        assert everything(store) == [key_of(chosen)]

    def test_a_file_over_the_limit_is_refused_before_and_as_it_comes(
        self, store: BlobStore
    ) -> None:
        with pytest.raises(FileTooLarge):
            store.receive(max_bytes=10, expected_bytes=11)
        with pytest.raises(FileTooLarge), store.receive(max_bytes=10) as incoming:
            incoming.write(b"12345678901")
        assert everything(store) == []

    def test_a_full_store_refuses_before_a_byte_is_taken(self, full: BlobStore) -> None:
        assert full.usable_bytes() == 0
        with pytest.raises(InsufficientStorage):
            full.receive(max_bytes=10)
        assert everything(full) == []

    def test_it_can_be_written_to(self, store: BlobStore) -> None:
        identity = new_id()
        assert store.set_identity(identity) == store.identity() == identity
        store.check_writable()
        assert store.usable_bytes() > 0
        assert everything(store) == []

    @pytest.mark.parametrize(
        ("start", "stop", "expected"),
        [(0, None, WORLD), (0, 5, b"hello"), (6, 11, b"world"), (6, 99, b"world"), (4, 4, b"")],
    )
    def test_a_range_is_read_piece_by_piece_to_its_end(
        self, store: BlobStore, start: int, stop: int | None, expected: bytes
    ) -> None:
        blob = received(store)
        with store.open_range(blob.key, start, stop) as sound:
            assert sound.size_bytes == 11
            read = b""
            while piece := sound.read(3):
                assert len(piece) <= 3
                read += piece
        assert read == expected

    def test_a_local_copy_can_be_read_and_sought_and_holds_only_that_recording(
        self, store: BlobStore
    ) -> None:
        blob = received(store)
        with store.local_copy(blob.key) as one, store.local_copy(blob.key) as other:
            assert os.fstat(one).st_size == 11
            assert os.read(one, 5) == b"hello"
            assert os.read(other, 100) == WORLD
            os.lseek(one, 6, os.SEEK_SET)
            assert os.read(one, 100) == b"world"
        with pytest.raises(OSError):
            os.fstat(one)

    def test_what_is_gone_is_a_missing_file(self, store: BlobStore) -> None:
        gone = key_of(new_id())
        with pytest.raises(FileNotFoundError):
            store.open_range(gone)
        with pytest.raises(FileNotFoundError), store.local_copy(gone):
            pass

    @pytest.mark.parametrize("key", ["../secret", "/etc/passwd", "ab/../../x", "ab/cd", ""])
    def test_a_key_that_is_none_of_ours_is_refused(self, store: BlobStore, key: str) -> None:
        for method in (store.open_range, store.delete, store.exists):
            with pytest.raises(ValueError, match="not the key"):
                method(key)
        with pytest.raises(ValueError, match="not the key"), store.local_copy(key):
            pass


class TestUploads:
    def test_pieces_become_a_recording_with_the_uploads_id(self, store: BlobStore) -> None:
        store.begin_upload(upload_id := new_id())
        assert everything(store) == [upload_id]
        for piece in (b"hello ", b"world"):
            with store.hold_upload(upload_id) as held:
                held.cut(0 if piece == b"hello " else 6)
                held.write(piece)
                held.sync()
        with store.hold_upload(upload_id) as held:
            blob = held.keep(11)
            assert held.keep(11) == blob
        assert blob == StoredBlob(key_of(upload_id), 11, hashlib.sha256(WORLD).hexdigest())
        assert everything(store) == [blob.key]
        assert all_of(store, blob.key) == WORLD

    @pytest.mark.parametrize("piece_bytes", [3 * MIB, 5 * MIB, 7 * MIB + 1])
    def test_large_pieces_of_any_size_become_a_recording(
        self, store: BlobStore, piece_bytes: int
    ) -> None:
        store.begin_upload(upload_id := new_id())
        for at in range(0, len(LARGE), piece_bytes):
            with store.hold_upload(upload_id) as held:
                held.cut(at)
                held.write(LARGE[at : at + piece_bytes])
                held.sync()
        with store.hold_upload(upload_id) as held:
            blob = held.keep(len(LARGE))
        assert blob.sha256 == hashlib.sha256(LARGE).hexdigest()
        with store.local_copy(blob.key) as descriptor:
            assert os.pread(descriptor, len(LARGE) + 1, 0) == LARGE
        assert everything(store) == [blob.key]

    def test_what_was_synced_outlives_what_came_after_it_and_was_not(
        self, store: BlobStore
    ) -> None:
        store.begin_upload(upload_id := new_id())
        with store.hold_upload(upload_id) as held:
            held.write(LARGE[: 6 * MIB])
            held.sync()
            held.write(b"never told" * MIB)
        with store.hold_upload(upload_id) as held:
            held.cut(6 * MIB)
            held.write(b"never told" * MIB)
            held.cut(6 * MIB)
            held.write(LARGE[6 * MIB :])
            held.sync()
            blob = held.keep(len(LARGE))
        assert blob.sha256 == hashlib.sha256(LARGE).hexdigest()
        assert everything(store) == [blob.key]

    def test_what_was_kept_can_be_kept_again_and_is_not_discarded_as_an_upload(
        self, store: BlobStore
    ) -> None:
        store.begin_upload(upload_id := new_id())
        with store.hold_upload(upload_id) as held:
            held.write(WORLD)
            first = held.keep(11)
        with store.hold_upload(upload_id) as again:
            assert again.keep(11) == first
        store.discard_upload(upload_id)
        assert store.exists(first.key)

    def test_bytes_after_the_cut_are_dropped(self, store: BlobStore) -> None:
        store.begin_upload(upload_id := new_id())
        with store.hold_upload(upload_id) as held:
            held.write(b"hello never told")
            held.cut(6)
            held.write(b"world")
            blob = held.keep(11)
        assert all_of(store, blob.key) == WORLD

    def test_one_holder_at_a_time(self, store: BlobStore) -> None:
        store.begin_upload(upload_id := new_id())
        with (
            store.hold_upload(upload_id),
            pytest.raises(UploadBusy),
            store.hold_upload(upload_id, wait_s=0.1),
        ):
            pass
        with store.hold_upload(upload_id):
            pass

    def test_fewer_bytes_than_were_told_are_an_expired_upload(self, store: BlobStore) -> None:
        store.begin_upload(upload_id := new_id())
        with store.hold_upload(upload_id) as held:
            held.write(b"soun")
            with pytest.raises(UploadExpired):
                held.cut(5)
            with pytest.raises(UploadExpired):
                held.keep(5)
        store.discard_upload(upload_id)
        store.discard_upload(upload_id)
        with pytest.raises(UploadExpired), store.hold_upload(upload_id):
            pass
        assert everything(store) == []

    def test_what_a_crash_left_in_receiving_is_swept_and_what_arrives_stays(
        self, store: BlobStore
    ) -> None:
        store.receive(max_bytes=10).write(b"old")
        assert upload_cleanup.sweep_incoming(store, untouched_s=60) == 0
        assert upload_cleanup.sweep_incoming(store, untouched_s=-60) == 1
        assert everything(store) == []
