"""Only the storage that holds this database's recordings counts as theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.db import Database
from shared.storage.blob_store import StoredBlob
from shared.storage.errors import StorageUnavailable
from shared.storage.identity import (
    StorageState,
    adopt_storage,
    check_storage,
    look_at_storage,
    require_storage,
)
from shared.storage.local.folder import LocalFolder
from tests.support import factories


@pytest.fixture
def blobs(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "recordings", min_free_bytes=0)


@pytest.fixture
def elsewhere(tmp_path: Path) -> LocalFolder:
    (tmp_path / "elsewhere").mkdir()
    return LocalFolder(tmp_path / "elsewhere", min_free_bytes=0)


def submitted(db: Database, blobs: LocalFolder) -> StoredBlob:
    with blobs.receive(max_bytes=10) as incoming:
        incoming.write(b"sound")
        blob = incoming.keep()
    factories.submit(db, blob=blob)
    return blob


def test_a_web_server_takes_the_first_storage_into_use_and_a_worker_does_not(
    db: Database, blobs: LocalFolder, elsewhere: LocalFolder
) -> None:
    assert check_storage(db, elsewhere) is StorageState.NEW
    assert not list(elsewhere.root.iterdir())
    assert check_storage(db, blobs, may_begin=True) is StorageState.SOUND
    assert check_storage(db, blobs) is StorageState.SOUND
    assert check_storage(db, elsewhere) is StorageState.MISSING
    assert check_storage(db, elsewhere, may_begin=True) is StorageState.MISSING
    assert not list(elsewhere.root.iterdir())


def test_another_installation_s_storage_is_not_ours(
    db: Database, blobs: LocalFolder, elsewhere: LocalFolder
) -> None:
    require_storage(db, blobs, may_begin=True)
    elsewhere.set_identity("0199f000-0000-7000-8000-000000000000")
    assert check_storage(db, elsewhere, may_begin=True) is StorageState.OTHER
    with pytest.raises(StorageUnavailable):
        require_storage(db, elsewhere, may_begin=True)


def test_an_older_version_s_storage_is_adopted_where_its_recordings_are(
    db: Database, blobs: LocalFolder, elsewhere: LocalFolder
) -> None:
    submitted(db, blobs)
    assert check_storage(db, elsewhere, may_begin=True) is StorageState.UNPROVEN
    assert look_at_storage(db, blobs) is StorageState.SOUND
    assert blobs.identity() is None
    assert check_storage(db, blobs) is StorageState.SOUND
    assert blobs.identity() is not None
    assert check_storage(db, elsewhere, may_begin=True) is StorageState.MISSING


def test_a_backup_without_the_id_is_known_by_its_recordings(
    db: Database, blobs: LocalFolder, elsewhere: LocalFolder
) -> None:
    require_storage(db, blobs, may_begin=True)
    lost = [submitted(db, blobs) for _ in range(3)]
    for blob in lost[:2]:
        (elsewhere.root / blob.key).parent.mkdir(exist_ok=True)
        shutil.copyfile(blobs.root / blob.key, elsewhere.root / blob.key)
    assert check_storage(db, elsewhere) is StorageState.SOUND
    assert elsewhere.identity() == blobs.identity()


def test_a_restored_database_knows_the_storage_that_it_had(
    db: Database, blobs: LocalFolder
) -> None:
    """Its backup was made before there were ids, the folder has one by now."""
    identity = blobs.set_identity("0199f000-0000-7000-8000-000000000000")
    submitted(db, blobs)
    assert check_storage(db, blobs) is StorageState.SOUND
    assert blobs.identity() == identity


def test_a_storage_with_another_database_s_recordings_is_not_begun_anew(
    db: Database, blobs: LocalFolder
) -> None:
    blobs.set_identity("0199f000-0000-7000-8000-000000000000")
    with blobs.receive(max_bytes=9) as incoming:
        incoming.write(b"sound")
        incoming.keep()
    assert check_storage(db, blobs, may_begin=True) is StorageState.OTHER
    adopt_storage(db, blobs)
    assert check_storage(db, blobs) is StorageState.SOUND


def test_an_operator_has_the_last_word(
    db: Database, blobs: LocalFolder, elsewhere: LocalFolder
) -> None:
    require_storage(db, blobs, may_begin=True)
    submitted(db, blobs)
    elsewhere.set_identity("0199f000-0000-7000-8000-000000000000")
    adopt_storage(db, elsewhere)
    assert check_storage(db, elsewhere) is StorageState.SOUND
    assert check_storage(db, blobs) is StorageState.OTHER


def test_what_cannot_be_read_is_no_storage(db: Database, blobs: LocalFolder) -> None:
    require_storage(db, blobs, may_begin=True)
    identity = blobs.root / "storage-id"
    identity.unlink()
    identity.mkdir()
    assert check_storage(db, blobs) is StorageState.UNREACHABLE


def test_the_first_of_two_ids_stays(blobs: LocalFolder) -> None:
    first, second = (f"0199f000-0000-7000-8000-00000000000{n}" for n in (1, 2))
    assert blobs.set_identity(first) == first
    assert blobs.set_identity(second) == first
    assert list((blobs.root / "incoming").iterdir()) == []
