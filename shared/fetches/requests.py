"""Requests of owners to fetch recordings, and their state."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Update, delete, func, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.dialects import hold_lock
from shared.errors import IdempotencyKeyReused, IllegalTransition
from shared.fetches.errors import FetchNotFound, TooManyFetches
from shared.models import Fetch
from shared.traces import traceparent

KEPT_DAYS = 14
"""Days for which a fetch is kept after its end, and after it was due where nothing is fetched any
more."""

_ONE_AT_A_TIME = 0x6C6F6E67_66657463
"""The key of PostgreSQL's lock, ours alone in the database."""

_BATCH = 500


class FetchState(StrEnum):
    """State of a fetch."""

    WAITING = "waiting"
    """Waits for its turn, or to be tried again."""
    FETCHING = "fetching"
    SUBMITTED = "submitted"
    """Fetched, and a job now."""
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (FetchState.WAITING, FetchState.FETCHING)


@dataclass(frozen=True, slots=True)
class FetchRecord:
    """A fetch as it stands."""

    id: str
    """Id of the fetch, and of the job once it is one."""
    owner_id: str
    url: str
    filename: str
    state: FetchState
    received_bytes: int
    size_bytes: int | None
    created_at: datetime
    ended_at: datetime | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """Options of the job that will be submitted after the fetch."""

    options: dict[str, Any]
    hotwords: tuple[str, ...] = ()
    model: str | None = None
    priority: int = 0
    traceparent: str | None = None
    """The trace of the request that asked for it; None where nothing is traced."""

    def to_json(self) -> dict[str, Any]:
        return {
            "options": self.options,
            "hotwords": list(self.hotwords),
            "model": self.model,
            "priority": self.priority,
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> Submission:
        return Submission(
            options=dict(value["options"]),
            hotwords=tuple(value["hotwords"]),
            model=value["model"],
            priority=int(value["priority"]),
            traceparent=value.get("traceparent"),
        )


def ask(
    db: Database,
    *,
    owner_id: str,
    url: str,
    filename: str,
    submission: Submission,
    idempotency_key: str | None = None,
    most_open: int = 0,
) -> FetchRecord:
    """Have a recording fetched; with a key that was used before, the fetch that it made.

    `most_open`: fetches that one owner may have at a time, 0 for any number. The caller has checked
    the address.  Raises IdempotencyKeyReused or TooManyFetches.
    """
    wanted = submission.to_json()
    asked = json.dumps([url, wanted], sort_keys=True).encode()
    digest = hashlib.sha256(asked).hexdigest()
    with db.writing() as session:
        hold_lock(session, _ONE_AT_A_TIME)
        if idempotency_key is not None:
            earlier = session.scalars(
                select(Fetch).where(
                    Fetch.owner_id == owner_id, Fetch.idempotency_key == idempotency_key
                )
            ).first()
            if earlier is not None:
                if earlier.request_digest != digest:
                    raise IdempotencyKeyReused(param="Idempotency-Key")
                return record_of(earlier)
        if most_open and _open_of(session, owner_id) >= most_open:
            raise TooManyFetches
        row = Fetch(
            owner_id=owner_id,
            url=url,
            filename=filename,
            submission=wanted | ({"traceparent": traced} if (traced := traceparent()) else {}),
            idempotency_key=idempotency_key,
            request_digest=digest,
        )
        session.add(row)
        session.flush()
        session.refresh(row)
        return record_of(row)


def get(db: Database, *, owner_id: str, fetch_id: str) -> FetchRecord:
    """An owner's fetch. Raises FetchNotFound, for another owner's too."""
    with db.reading() as session:
        row = session.scalars(
            select(Fetch).where(Fetch.id == fetch_id, Fetch.owner_id == owner_id)
        ).one_or_none()
    if row is None:
        raise FetchNotFound
    return record_of(row)


def fetches_of(db: Database, owner_id: str, *, most: int = 100) -> list[FetchRecord]:
    """An owner's fetches that are no jobs, newest first."""
    with db.reading() as session:
        rows = session.scalars(
            select(Fetch)
            .where(Fetch.owner_id == owner_id, Fetch.state != FetchState.SUBMITTED.value)
            .order_by(Fetch.id.desc())
            .limit(most)
        ).all()
    return [record_of(row) for row in rows]


def cancel(db: Database, *, owner_id: str, fetch_id: str) -> FetchRecord:
    """Cancel a fetch; whoever is at it stops within seconds. Cancelling twice is no error.

    Raises FetchNotFound, or IllegalTransition where it is a job by now, or has failed.
    """
    with db.writing() as session:
        row = session.scalars(
            cancelling(Fetch.id == fetch_id, Fetch.owner_id == owner_id).returning(Fetch)
        ).one_or_none()
    found = record_of(row) if row else get(db, owner_id=owner_id, fetch_id=fetch_id)
    if found.state is not FetchState.CANCELLED:
        raise IllegalTransition("This is no longer being fetched; there is nothing to cancel.")
    return found


def cancelling(*conditions: ColumnElement[bool]) -> Update:
    """The statement that cancels the fetches that fulfil `conditions` and have not ended."""
    return (
        update(Fetch)
        .where(Fetch.state.in_([state.value for state in OPEN]), *conditions)
        .values(state=FetchState.CANCELLED.value, ended_at=database_now())
        .execution_options(synchronize_session=False)
    )


def sweep(db: Database, *, goes_on: bool) -> int:
    """Forget some of the fetches that ended long ago; how many. Call it until it forgets none.

    Where nothing is fetched any more, which is not `goes_on`, also some of those that were due as
    long ago. Else they are left to the workers: none may have run for as long, and each fetch is
    brought to an end that its owner is told of.
    """
    long_ago = database_now(-KEPT_DAYS * 86400.0)
    is_held = Fetch.lease_expires_at > database_now()
    is_old = Fetch.ended_at < long_ago
    if not goes_on:
        is_old |= Fetch.ended_at.is_(None) & (Fetch.due_at < long_ago) & is_held.is_not(True)
    with db.writing() as session:
        old = select(Fetch.id).where(is_old).limit(_BATCH)
        forgotten = session.scalars(
            delete(Fetch)
            .where(Fetch.id.in_(old))
            .returning(Fetch.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(forgotten)


def record_of(row: Fetch) -> FetchRecord:
    return FetchRecord(
        id=row.id,
        owner_id=row.owner_id,
        url=row.url,
        filename=row.filename,
        state=FetchState(row.state),
        received_bytes=row.received_bytes,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        ended_at=row.ended_at,
        error_code=row.error_code,
        error_message=row.error_message,
    )


def _open_of(session: Session, owner_id: str) -> int:
    counted = select(func.count()).where(
        Fetch.owner_id == owner_id, Fetch.state.in_([state.value for state in OPEN])
    )
    return session.scalar(counted) or 0
