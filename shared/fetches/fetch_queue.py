"""Queue of fetches for workers: each is claimed under a lease with a fence as jobs are.

An attempt that lost its lease writes nothing: it gets FenceLost, or Cancelled if its owner
cancelled.  How much is durable stands in the row of the upload; the row here only tells it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import structlog
from sqlalchemy import Select, func, literal_column, or_, select, update
from sqlalchemy.orm import Session, aliased

from shared.db import Database, database_now
from shared.errors import Cancelled, FenceLost, LongscribeError
from shared.fetches.errors import FetchUnreadable
from shared.fetches.requests import FetchState, Submission
from shared.models import Fetch
from shared.states import EventKind
from shared.webhooks import outbox

log = structlog.stdlib.get_logger(__name__)

WAITS_S = (5.0, 15.0, 60.0, 300.0, 900.0, 900.0, 900.0, 900.0)
"""Seconds between attempts that brought nothing; after the last the fetch fails."""

_MOST_OF_OWNER = 2
"""Fetches of one owner at once."""

_LONGEST_ASKED_S = 3600.0


@dataclass(frozen=True, slots=True)
class FetchClaim:
    """A lease on one fetch."""

    fetch_id: str
    owner_id: str
    url: str
    filename: str
    submission: Submission
    received_bytes: int
    size_bytes: int | None
    validator: str | None
    created_at: datetime
    left_s: float
    """Seconds that the fetch may still take; negative once it has taken too long."""
    failures: int
    fence: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class _Held:
    """The lease on a fetch of which nothing else was read yet."""

    fetch_id: str
    owner_id: str
    fence: int
    failures: int


_Lease = _Held | FetchClaim


def claim_next(db: Database, *, lease_s: float, longest_s: float) -> FetchClaim | None:
    """Lease the fetch that has been due the longest, or None if there is none.

    One that cannot be read waits for longer each time, and fails in the end: another version may
    be able to, and none stands before the others.
    """
    while True:
        with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
            if session.execute(_due()).first() is None:
                return None
        with db.writing() as session:
            fetch_id = session.scalar(_due().with_for_update(of=Fetch, skip_locked=True))
            if fetch_id is None:
                return None
            leased = (
                update(Fetch)
                .where(Fetch.id == fetch_id)
                .values(
                    fence=Fetch.fence + 1,
                    state=FetchState.FETCHING.value,
                    lease_expires_at=database_now(lease_s),
                )
                .returning(Fetch.owner_id, Fetch.fence, Fetch.failures)
                .execution_options(synchronize_session=False)
            )
            held = _Held(fetch_id, *session.execute(leased).one())
            try:
                return _claim(session, held, lease_s=lease_s, longest_s=longest_s)
            except (ValueError, TypeError, LookupError):
                log.error("a fetch cannot be read", fetch=fetch_id, failures=held.failures)
                error = FetchUnreadable()
                if not _end_for_now(session, held, error, held.failures):
                    _fail_in(session, held, error)


def _due() -> Select[str]:
    other = aliased(Fetch)
    under_way = (
        select(func.count())
        .where(other.owner_id == Fetch.owner_id, other.lease_expires_at > database_now())
        .scalar_subquery()
    )
    return (
        select(Fetch.id)
        .where(
            Fetch.state.in_([literal_column("'waiting'"), literal_column("'fetching'")]),
            Fetch.due_at <= database_now(),
            or_(Fetch.lease_expires_at.is_(None), Fetch.lease_expires_at <= database_now()),
            under_way < _MOST_OF_OWNER,
        )
        .order_by(Fetch.due_at, Fetch.id)
        .limit(1)
    )


def _claim(session: Session, held: _Held, *, lease_s: float, longest_s: float) -> FetchClaim:
    """Claim a fetch that is held. Raises ValueError, TypeError or LookupError where something
    stored of it cannot be read."""
    row = session.get_one(Fetch, held.fetch_id)
    now = session.scalars(select(database_now())).one()
    return FetchClaim(
        fetch_id=row.id,
        owner_id=row.owner_id,
        url=row.url,
        filename=row.filename,
        submission=Submission.from_json(row.submission),
        received_bytes=row.received_bytes,
        size_bytes=row.size_bytes,
        validator=row.validator,
        created_at=row.created_at,
        left_s=longest_s - (now - row.created_at).total_seconds(),
        failures=row.failures,
        fence=row.fence,
        lease_s=lease_s,
    )


def note_progress(
    db: Database,
    claim: FetchClaim,
    *,
    received_bytes: int,
    size_bytes: int | None,
    validator: str | None,
) -> None:
    """Tell how much is here, and renew the lease. Raises FenceLost or Cancelled."""
    _write(
        db,
        claim,
        received_bytes=received_bytes,
        size_bytes=size_bytes,
        validator=validator,
        lease_expires_at=database_now(claim.lease_s),
    )


def renew(db: Database, claim: FetchClaim) -> None:
    """Renew the lease. Raises FenceLost or Cancelled."""
    _write(db, claim, lease_expires_at=database_now(claim.lease_s))


def submitted(db: Database, claim: FetchClaim) -> None:
    """Say that it is a job now. Raises FenceLost or Cancelled."""
    _write(db, claim, **_ended(FetchState.SUBMITTED), error_code=None, error_message=None)


def release(db: Database, claim: FetchClaim) -> None:
    """Give it back because the process stops. Raises FenceLost or Cancelled."""
    _write(db, claim, state=FetchState.WAITING.value, lease_expires_at=None)


def fail(db: Database, claim: FetchClaim, error: LongscribeError) -> None:
    """End it. A webhook is told as of a job that failed. Raises FenceLost or Cancelled."""
    with db.writing() as session:
        _fail_in(session, claim, error)


def retry_later(
    db: Database, claim: FetchClaim, error: LongscribeError, *, has_moved: bool, asked_s: float
) -> bool:
    """Go on after a pause, longer with each attempt that brought nothing; False, with nothing
    stored, where there were as many as there may be. Raises FenceLost or Cancelled."""
    failures = 0 if has_moved else claim.failures
    with db.writing() as session:
        return _end_for_now(session, claim, error, failures, asked_s=asked_s)


def _end_for_now(
    session: Session,
    held: _Lease,
    error: LongscribeError,
    failures: int,
    *,
    asked_s: float = 0.0,
) -> bool:
    """Do what `retry_later` does in a transaction of the caller's, after so many attempts that
    brought nothing."""
    if failures >= len(WAITS_S):
        return False
    wait_s = max(WAITS_S[failures], min(asked_s, _LONGEST_ASKED_S))
    _write_in(
        session,
        held,
        state=FetchState.WAITING.value,
        lease_expires_at=None,
        due_at=database_now(wait_s),
        failures=failures + 1,
        error_code=error.code,
        error_message=error.message,
    )
    return True


def _fail_in(session: Session, held: _Lease, error: LongscribeError) -> None:
    told = {"error_code": error.code, "error_message": error.message}
    _write_in(session, held, **_ended(FetchState.FAILED), **told)
    outbox.note(
        session,
        owner_id=held.owner_id,
        job_id=held.fetch_id,
        kind=EventKind.FAILED,
        at=session.scalars(select(database_now())).one(),
        detail={"code": error.code, "message": error.message},
    )


def _ended(state: FetchState) -> dict[str, Any]:
    return {"state": state.value, "ended_at": database_now(), "lease_expires_at": None}


def _write(db: Database, claim: FetchClaim, **values: Any) -> None:
    with db.writing() as session:
        _write_in(session, claim, **values)


def _write_in(session: Session, held: _Lease, **values: Any) -> None:
    statement = (
        update(Fetch)
        .where(
            Fetch.id == held.fetch_id,
            Fetch.fence == held.fence,
            Fetch.state == FetchState.FETCHING.value,
        )
        .values(**values)
        .returning(Fetch.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalars(statement).one_or_none() is None:
        _refuse(session, held)


def _refuse(session: Session, held: _Lease) -> NoReturn:
    """Raise the reason why this attempt may not write any more."""
    state = session.scalar(select(Fetch.state).where(Fetch.id == held.fetch_id))
    raise Cancelled if state == FetchState.CANCELLED.value else FenceLost
