"""Bytes of recordings and playable copies that each owner has stored, without summing them.

Triggers keep tallies in the transaction that changes a recording; `shared.jobs.fold` keeps them
few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from shared.db import Database
from shared.models import Recording, StoredTally


@dataclass(frozen=True, slots=True)
class StoredDrift:
    """Difference between an owner's stored bytes and their tally; negative: the tally is too
    high."""

    owner_id: str
    bytes: int


def stored_bytes(session: Session, owner_id: str | None = None) -> dict[str, int]:
    """The bytes by owner, of one or of all who have any. What this transaction changed is in it."""
    total = _total(StoredTally.bytes)
    rows = select(StoredTally.owner_id, total.label("bytes")).group_by(StoredTally.owner_id)
    if owner_id is not None:
        rows = rows.where(StoredTally.owner_id == owner_id)
    return {row.owner_id: row.bytes for row in session.execute(rows.having(total != 0))}


def find_drift(db: Database) -> list[StoredDrift]:
    """Sum the bytes of every recording; the owners whose tallies differ.

    They drift only where somebody changed rows with triggers switched off, or restored a part of a
    database.
    """
    with db.reading() as session:
        return [StoredDrift(*row) for row in session.execute(_missing())]


def recount(db: Database) -> list[StoredDrift]:
    """Sum the bytes of every recording and add to the tallies what is missing; what that was.

    One statement sees the recordings and the tallies as of one moment, so nobody has to wait
    meanwhile.
    """
    columns = ["owner_id", "bytes", "is_sum"]
    missing = _missing().add_columns(literal(db.is_sqlite))
    with db.writing() as session:
        rows = session.execute(
            insert(StoredTally)
            .from_select(columns, missing, include_defaults=False)
            .returning(StoredTally.owner_id, StoredTally.bytes)
        ).all()
        return [StoredDrift(*row) for row in rows]


def _missing() -> Select[Any]:
    stored = Recording.size_bytes + func.coalesce(Recording.playable_bytes, 0)
    summed = union_all(
        select(Recording.owner_id, stored.label("bytes")),
        select(StoredTally.owner_id, -StoredTally.bytes),
    ).subquery()
    total = _total(summed.c.bytes)
    return (
        select(summed.c.owner_id, total)
        .group_by(summed.c.owner_id)
        .having(total != 0)
        .order_by(summed.c.owner_id)
    )


def _total(column: Any) -> Any:
    # PostgreSQL sums bigint into numeric, which Python would get as a Decimal.
    return cast(func.sum(column), BigInteger)
