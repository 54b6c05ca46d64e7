"""The room that recordings on their way have announced: an upload in pieces by its row in
`uploads`, a request that sends a recording in one go by its row in `reservations`.

Whoever begins to send is let in only if the storage holds what is announced beside all that others
have announced and not sent yet. That is decided under a lock, so of two for whom there is room
once, one is refused. What is reserved ends with the request or the upload, or runs out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.dialects import hold_lock
from shared.errors import InsufficientStorage
from shared.models import Reservation, Upload, new_id
from shared.quotas.errors import StorageShareFull, TooManyUploads
from shared.quotas.limits import Allowance, OwnerLimits, allowance, share_of
from shared.storage.errors import StorageUnavailable
from shared.storage.measured_space import Space
from shared.storage.stored_bytes import stored_bytes

_ONE_AT_A_TIME = 0x6C6F6E67_726F6F6D
"""The key of PostgreSQL's lock, ours alone in the database."""


@dataclass(frozen=True, slots=True)
class Room:
    """The storage as a request finds it: how much can be written, and what one owner may hold."""

    usable_bytes: int
    limits: OwnerLimits


def room_of(place: Space, limits: OwnerLimits) -> Room:
    """Ask the storage, before the transaction in which it is divided.

    Raises StorageUnavailable where it gives no answer.
    """
    try:
        return Room(place.usable_bytes(), limits)
    except OSError as error:
        raise StorageUnavailable from error


def reserve(db: Database, room: Room, *, owner_id: str, size_bytes: int, kept_s: float) -> str:
    """Reserve room for one request, for `kept_s` seconds unless it moves on; the reservation's id.

    Raises InsufficientStorage or StorageShareFull.
    """
    with db.writing() as session:
        require_room(session, db, room, owner_id=owner_id, size_bytes=size_bytes)
        reservation = Reservation(
            id=new_id(),
            owner_id=owner_id,
            size_bytes=size_bytes,
            expires_at=database_now(kept_s),
        )
        session.add(reservation)
        session.flush()
        return reservation.id


def extend(
    db: Database, room: Room, reservation_id: str, *, owner_id: str, more_bytes: int
) -> None:
    """Reserve more for a request that did not announce how much it sends. Raises as `reserve`."""
    with db.writing() as session:
        require_room(session, db, room, owner_id=owner_id, size_bytes=more_bytes)
        session.execute(
            update(Reservation)
            .where(Reservation.id == reservation_id)
            .values(size_bytes=Reservation.size_bytes + more_bytes)
            .execution_options(synchronize_session=False)
        )


def note_received(db: Database, reservation_id: str, *, received_bytes: int, kept_s: float) -> None:
    """Say how much of it is written, so that the storage itself counts that, and that it moves."""
    with db.writing() as session:
        session.execute(
            update(Reservation)
            .where(Reservation.id == reservation_id)
            .values(received_bytes=received_bytes, expires_at=database_now(kept_s))
            .execution_options(synchronize_session=False)
        )


def end(db: Database, reservation_id: str) -> None:
    """Give the room back; no error if it has run out."""
    with db.writing() as session:
        session.execute(sql_delete(Reservation).where(Reservation.id == reservation_id))


def forget_expired(db: Database) -> None:
    """Remove what requests that crashed have left."""
    with db.writing() as session:
        session.execute(sql_delete(Reservation).where(Reservation.expires_at <= database_now()))


def require_room(
    session: Session, db: Database, room: Room, *, owner_id: str, size_bytes: int
) -> None:
    """Check that the storage holds so much more and that the owner may have it, in the transaction
    that reserves it. Raises InsufficientStorage or StorageShareFull."""
    hold_lock(session, _ONE_AT_A_TIME)
    unreserved = _unreserved_bytes(session, room)
    if unreserved <= 0 or size_bytes > unreserved:
        raise InsufficientStorage(
            f"The server's disk is too full: this takes {size_bytes / 2**20:,.0f} MB, and "
            f"{max(0, unreserved) / 2**20:,.0f} MB are left beside what other uploads have "
            "announced. Try again later, or ask the operator to make room."
        )
    share = share_of(session, room.limits, owner_id)
    if share < 1 or room.limits.stored_bytes:
        full = _storage_allowance(session, room, owner_id, share, unreserved)
        if not full.admits(size_bytes):
            raise StorageShareFull(full, wanted=size_bytes)


def require_another_upload(session: Session, limits: OwnerLimits, owner_id: str) -> None:
    """Check that the owner may begin one more upload. Call it after `require_room`, which holds the
    lock. Raises TooManyUploads."""
    full = uploads_allowance(session, limits, owner_id)
    if full.admits(1):
        return
    now, first = session.execute(
        select(database_now(), func.min(Upload.expires_at)).where(*_open_uploads(owner_id))
    ).one()
    raise TooManyUploads(full, free_in_s=_seconds_between(now, first))


def uploads_allowance(session: Session, limits: OwnerLimits, owner_id: str) -> Allowance:
    """The owner's uploads that have no job yet, and how many there may be."""
    count = session.scalar(select(func.count()).where(*_open_uploads(owner_id)))
    return allowance(count or 0, most=limits.open_uploads)


def storage_allowance(session: Session, room: Room, owner_id: str) -> Allowance:
    """The bytes that an owner holds, with those that are only announced, and the most it may."""
    share = share_of(session, room.limits, owner_id)
    return _storage_allowance(session, room, owner_id, share, _unreserved_bytes(session, room))


def _storage_allowance(
    session: Session, room: Room, owner_id: str, share: float, unreserved: int
) -> Allowance:
    held = _held_bytes(session, owner_id).get(owner_id, 0)
    return allowance(held, most=room.limits.stored_bytes, share=share, left=unreserved)


def held_by_owner(db: Database) -> dict[str, int]:
    """The bytes that each owner holds."""
    with db.reading() as session:
        return _held_bytes(session)


def _held_bytes(session: Session, owner_id: str | None = None) -> dict[str, int]:
    """The bytes of recordings, playable copies and open uploads by owner, of one or of all."""
    held = stored_bytes(session, owner_id)
    for owner_column, rows in (
        (
            Upload.owner_id,
            select(Upload.owner_id, func.sum(Upload.size_bytes)).where(*_open_uploads()),
        ),
        (
            Reservation.owner_id,
            select(Reservation.owner_id, func.sum(Reservation.size_bytes)).where(
                *_live_reservations()
            ),
        ),
    ):
        if owner_id is not None:
            rows = rows.where(owner_column == owner_id)
        for owner, total in session.execute(rows.group_by(owner_column)):
            held[owner] = held.get(owner, 0) + int(total)
    return held


def _unreserved_bytes(session: Session, room: Room) -> int:
    rest = session.scalar(
        select(
            func.coalesce(
                select(func.sum(Upload.size_bytes - Upload.received_bytes))
                .where(*_open_uploads())
                .scalar_subquery(),
                0,
            )
            + func.coalesce(
                select(func.sum(_rest_of_a_reservation()))
                .where(*_live_reservations())
                .scalar_subquery(),
                0,
            )
        )
    )
    return room.usable_bytes - int(rest or 0)


def _rest_of_a_reservation() -> ColumnElement[int]:
    return Reservation.size_bytes - Reservation.received_bytes


def _open_uploads(owner_id: str | None = None) -> list[ColumnElement[bool]]:
    found = [Upload.submitted_at.is_(None), Upload.expires_at > database_now()]
    return found if owner_id is None else [Upload.owner_id == owner_id, *found]


def _live_reservations() -> list[ColumnElement[bool]]:
    return [Reservation.expires_at > database_now()]


def _seconds_between(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else (then - now).total_seconds()
