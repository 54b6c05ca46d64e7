"""API keys: 256 random bits that a program sends. Only their SHA-256 is stored."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import contains_eager

from shared import audit
from shared.accounts.advisory_lock import one_at_a_time
from shared.accounts.credentials import NOTED_EVERY_S, digest
from shared.accounts.errors import KeyNotFound, TooManyKeys, UnusableKeyName
from shared.accounts.users import Person, as_person
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import ApiKey, User

KEY_PREFIX = "lsk_"
"""The beginning of every key, by which scanners recognise one in a log or a repository."""

_KEY_BYTES = 32
_LONGEST_KEY_NAME = 100
_MOST_KEYS = 50


# Built once: that takes longer than to carry it out, and every request of a program begins with it.
_OF_KEY = (
    select(
        ApiKey,
        or_(
            ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= database_now(-NOTED_EVERY_S)
        ).label("is_stale"),
    )
    .join(ApiKey.user)
    .where(
        ApiKey.key_sha256 == bindparam("sha256"),
        ApiKey.revoked_at.is_(None),
        User.disabled_at.is_(None),
    )
    .options(contains_eager(ApiKey.user))
)
"""Selects the key with a hash, its account, and whether its use has to be noted again."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key without its secret part, which is not stored."""

    id: str
    name: str
    """Purpose of the key, in its owner's words."""
    created_at: datetime
    last_used_at: datetime | None
    """Time of the key's last use, to within a minute; None before the first."""


def make_key(db: Database, *, user_id: str, name: str) -> str:
    """Make a key for a person and return it; it cannot be read again.

    Raises UnusableKeyName or TooManyKeys.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_KEY_NAME or not name.isprintable():
        raise UnusableKeyName(param="name")
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    with db.writing() as session:
        one_at_a_time(session)  # two at once would count the same
        valid = select(func.count()).select_from(_valid_of(user_id).subquery())
        if (session.scalar(valid) or 0) >= _MOST_KEYS:
            raise TooManyKeys
        made = ApiKey(user_id=user_id, name=name, key_sha256=digest(key))
        session.add(made)
        session.flush()
        audit.record(session, Act.KEY_MADE, object_id=made.id, subject_id=user_id)
    return key


def keys_of(db: Database, user_id: str) -> list[KeyRecord]:
    """List a person's keys that are not revoked, oldest first."""
    with db.reading() as session:
        return [
            KeyRecord(key.id, key.name, key.created_at, key.last_used_at)
            for key in session.scalars(_valid_of(user_id))
        ]


def revoke_key(db: Database, *, user_id: str, key_id: str) -> None:
    """Revoke a key; revoking it twice is no error.

    Raises KeyNotFound, also for another person's key.
    """
    with db.writing() as session:
        key = session.scalars(
            select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user_id)
        ).one_or_none()
        if key is None:
            raise KeyNotFound
        if key.revoked_at is None:
            key.revoked_at = session.scalars(select(database_now())).one()
            audit.record(session, Act.KEY_REVOKED, object_id=key_id, subject_id=user_id)


def forget_revoked(db: Database, *, kept_s: float) -> None:
    """Delete keys that were revoked longer ago than entries of the audit log, which have their
    names, are kept."""
    revoked = ApiKey.revoked_at < database_now(-kept_s)
    with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
        if session.scalar(select(ApiKey.id).where(revoked).limit(1)) is None:
            return
    with db.writing() as session:
        session.execute(delete(ApiKey).where(revoked).execution_options(synchronize_session=False))


def find_by_key(db: Database, key: str) -> Person | None:
    """Find the person of a key and note that it was used.

    None for a key that is unknown or revoked, or whose account is disabled.
    """
    sha256 = digest(key)
    with db.reading() as session:
        found = session.execute(_OF_KEY, {"sha256": sha256}).one_or_none()
    # The time of the index's comparison depends on how much of the digest is right, which helps
    # nobody who cannot choose digests; the deciding comparison always takes the same time.
    if found is None or not hmac.compare_digest(found[0].key_sha256, sha256):
        return None
    row, stale = found
    if stale:
        with db.writing() as session:
            session.execute(
                update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=database_now())
            )
    return as_person(row.user)


def _valid_of(user_id: str) -> Select[ApiKey]:
    return (
        select(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id)
    )
