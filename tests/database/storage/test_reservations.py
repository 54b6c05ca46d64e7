"""Room on the storage that uploads have announced, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import update

from shared import accounts, jobs
from shared.db import Database, database_now
from shared.errors import InsufficientStorage
from shared.models import LOCAL_OWNER, Reservation, Upload, new_id
from shared.quotas.errors import StorageShareFull, TooManyUploads
from shared.quotas.limits import UNLIMITED, OwnerLimits
from shared.storage import space_reservations, uploads
from shared.storage.space_reservations import Room
from tests.support import factories
from tests.support.people import a_person, an_admin, at_once, quick_hashes

HALF = OwnerLimits(share=0.5)


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


def begin(
    db: Database,
    size: int,
    *,
    usable: int = 1000,
    limits: OwnerLimits = UNLIMITED,
    owner_id: str = LOCAL_OWNER,
) -> str:
    """Begin an upload in pieces; its id."""
    upload = uploads.create(
        db,
        upload_id=new_id(),
        owner_id=owner_id,
        size_bytes=size,
        filename="f.wav",
        described="",
        kept_s=3600,
        room=Room(usable, limits),
    )
    return upload.id


def reserve(
    db: Database,
    size: int,
    *,
    usable: int = 1000,
    limits: OwnerLimits = UNLIMITED,
    owner_id: str = LOCAL_OWNER,
) -> str:
    """Begin a request that sends a recording in one go; its reservation's id."""
    return space_reservations.reserve(
        db, Room(usable, limits), owner_id=owner_id, size_bytes=size, kept_s=3600
    )


def test_no_more_is_announced_than_the_storage_holds(db: Database) -> None:
    for size in (400, 300):
        begin(db, size)
    reserve(db, 200)
    for announce in (begin, reserve):
        with pytest.raises(InsufficientStorage, match="beside what other uploads have announced"):
            announce(db, 101)
    begin(db, 100)


def test_what_has_arrived_is_counted_by_the_storage_alone(db: Database) -> None:
    upload_id, request = begin(db, 500), reserve(db, 400)
    uploads.advance(db, owner_id=LOCAL_OWNER, upload_id=upload_id, offset=0, to=450, kept_s=60)
    space_reservations.note_received(db, request, received_bytes=400, kept_s=60)
    with pytest.raises(InsufficientStorage):
        begin(db, 101, usable=150)
    begin(db, 100, usable=150)


def test_a_reservation_ends_with_its_upload(db: Database) -> None:
    given_up, job_made, expired = begin(db, 300), begin(db, 300), begin(db, 200)
    request, crashed = reserve(db, 100), reserve(db, 100)
    with pytest.raises(InsufficientStorage):
        reserve(db, 1)
    uploads.forget(db, owner_id=LOCAL_OWNER, upload_id=given_up)
    jobs.submit(
        db, owner_id=LOCAL_OWNER, blob=factories.a_blob(), filename="f.wav", upload_id=job_made
    )
    space_reservations.end(db, request)
    with db.writing() as session:
        for table, one in ((Upload, expired), (Reservation, crashed)):
            session.execute(
                update(table).where(table.id == one).values(expires_at=database_now(-1))
            )
    space_reservations.forget_expired(db)
    assert factories.count(db, Reservation) == 0
    begin(db, 1000)


def test_a_request_that_sends_more_than_it_said_gets_what_is_left(db: Database) -> None:
    request = reserve(db, 600)
    room = Room(1000, UNLIMITED)
    space_reservations.extend(db, room, request, owner_id=LOCAL_OWNER, more_bytes=300)
    with pytest.raises(InsufficientStorage):
        space_reservations.extend(db, room, request, owner_id=LOCAL_OWNER, more_bytes=101)
    with pytest.raises(InsufficientStorage):
        begin(db, 101)


@pytest.mark.parametrize("announce", [begin, reserve])
def test_of_ten_at_once_only_those_that_fit_are_let_in(db: Database, announce: object) -> None:
    assert callable(announce)
    answers = at_once(*[partial(announce, db, 300)] * 10)
    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert sum(isinstance(answer, InsufficientStorage) for answer in answers) == 7


def test_of_ten_at_once_no_more_are_open_than_one_owner_may_have(db: Database) -> None:
    limits = OwnerLimits(open_uploads=4)
    answers = at_once(*[partial(begin, db, 1, limits=limits)] * 10)
    refused = [answer for answer in answers if isinstance(answer, TooManyUploads)]
    assert len(refused) == 6
    assert all(one.full.held == one.full.most == 4 for one in refused)
    assert all(3000 < one.retry_after_s <= 3600 for one in refused)
    begin(db, 1, limits=limits, owner_id="another")


def test_one_owner_leaves_room_to_the_others(db: Database) -> None:
    anna, bo = an_admin(db), a_person(db)
    begin(db, 400, limits=HALF, owner_id=anna.id)
    with pytest.raises(StorageShareFull) as refused:
        reserve(db, 101, limits=HALF, owner_id=anna.id)
    assert (refused.value.full.held, refused.value.full.most) == (400, 500)
    reserve(db, 100, limits=HALF, owner_id=anna.id)
    # Of what she leaves, he may have a half, and whoever comes next a half of the rest.
    with pytest.raises(StorageShareFull):
        begin(db, 251, limits=HALF, owner_id=bo.id)
    begin(db, 250, limits=HALF, owner_id=bo.id)
    reserve(db, 125, limits=HALF, owner_id=a_person(db, "Cai").id)


def test_recordings_and_their_copies_count(db: Database) -> None:
    anna, _ = an_admin(db), a_person(db)
    factories.submit(db, owner_id=anna.id)  # 1000 bytes
    with pytest.raises(StorageShareFull) as refused:
        begin(db, 1, limits=HALF, owner_id=anna.id)
    assert (refused.value.full.held, refused.value.full.most) == (1000, 1000)
    begin(db, 1, usable=1002, limits=HALF, owner_id=anna.id)


def test_who_is_alone_may_have_all(db: Database) -> None:
    anna = an_admin(db)
    begin(db, 900, limits=HALF, owner_id=anna.id)
    accounts.disable(db, a_person(db).id)
    begin(db, 100, limits=HALF, owner_id=anna.id)


def test_a_number_of_bytes_holds_whoever_else_is_there(db: Database) -> None:
    limits = OwnerLimits(stored_bytes=300)
    begin(db, 300, limits=limits)
    with pytest.raises(StorageShareFull):
        begin(db, 1, limits=limits)
