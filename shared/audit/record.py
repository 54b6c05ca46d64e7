"""Recording an act, in the transaction in which it happens.

So the log holds nothing that was rolled back and misses nothing that was committed. What happens
without a change, as a refused sign-in, has a transaction of its own. Nothing else writes the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.orm import Session

from shared.audit.actor import Actor, current_actor
from shared.audit.acts import Act
from shared.db import database_now
from shared.models import ApiKey, AuditEntry

_LONGEST_ADDRESS = 64
_LIMITED_ONCE_S = 60.0


def record(
    session: Session,
    act: Act,
    *,
    object_id: str | None = None,
    subject_id: str | None = None,
    actor_id: str | None = None,
    **detail: Any,
) -> None:
    """Record that whoever acts now did `act`.

    `subject_id`: the account that it concerns. `actor_id`: the account that acts, where that is
    known only now. `detail` is small: numbers, and words of ours; no secret, no name, no text of a
    recording.
    """
    record_each(session, act, [object_id], subject_id=subject_id, actor_id=actor_id, detail=detail)


def record_each(
    session: Session,
    act: Act,
    object_ids: Iterable[str | None],
    *,
    subject_id: str | None = None,
    actor_id: str | None = None,
    address: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Record an act that was done to several objects, an entry for each."""
    actor = current_actor()
    address = address or actor.address
    common = {
        "act": act.value,
        "means": actor.means.value,
        "actor_id": actor_id or actor.account_id,
        "key_id": _key_id(session, actor),
        "address": None if address is None else address[:_LONGEST_ADDRESS],
        "request_id": actor.request_id,
        "subject_id": subject_id,
        "detail": detail or {},
    }
    rows = [{**common, "object_id": object_id} for object_id in object_ids]
    if rows:
        session.execute(insert(AuditEntry), rows)


def _key_id(session: Session, actor: Actor) -> str | None:
    if actor.key_sha256 is None:
        return None
    return session.scalar(select(ApiKey.id).where(ApiKey.key_sha256 == actor.key_sha256))


def record_limited(session: Session, *, address: str) -> None:
    """Record that sign-ins from an address are refused for their number, once a minute: whoever
    tries passwords by the thousand would else fill the disk."""
    told = select(AuditEntry.id).where(
        AuditEntry.at > database_now(-_LIMITED_ONCE_S),
        AuditEntry.act == Act.SIGN_IN_LIMITED.value,
        AuditEntry.address == address[:_LONGEST_ADDRESS],
    )
    if session.scalar(told.limit(1)) is None:
        record_each(session, Act.SIGN_IN_LIMITED, [None], address=address)


def take_out_person(session: Session, account_id: str) -> None:
    """Leave of an account's person in the log no more than the account's number: the addresses and
    keys that they acted with go, and the addresses from which somebody tried to sign in as them."""
    was_nobody = and_(AuditEntry.subject_id == account_id, AuditEntry.actor_id.is_(None))
    session.execute(
        update(AuditEntry)
        .where(or_(AuditEntry.actor_id == account_id, was_nobody))
        .values(address=None, key_id=None, request_id=None)
        .execution_options(synchronize_session=False)
    )
