"""API keys: 256 random bits that a program sends, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import joinedload

from shared.accounts.errors import KeyNotFound, TooManyKeys, UnusableKeyName
from shared.accounts.users import Person, as_person
from shared.db import Database, database_now
from shared.models import ApiKey, User

KEY_PREFIX = "lsk_"
"""So that a key that got into a log or a repository is known for one."""

_KEY_BYTES = 32
_LONGEST_KEY_NAME = 100
_MOST_KEYS = 50
_NOTED_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as its person sees it: without the key, which nobody can read again."""

    id: str
    name: str
    """What it is for, in its person's words."""
    created_at: datetime
    last_used_at: datetime | None
    """To within a minute."""


def make_key(db: Database, *, user_id: str, name: str) -> str:
    """A new key, which nobody can read again. Raises UnusableKeyName or TooManyKeys."""
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_KEY_NAME or not name.isprintable():
        raise UnusableKeyName(param="name")
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    with db.writing() as session:
        if len(session.scalars(_valid_of(user_id)).all()) >= _MOST_KEYS:
            raise TooManyKeys
        session.add(ApiKey(user_id=user_id, name=name, key_sha256=_digest(key)))
    return key


def keys_of(db: Database, user_id: str) -> list[KeyRecord]:
    """A person's keys that are not revoked, the oldest first."""
    with db.reading() as session:
        return [
            KeyRecord(key.id, key.name, key.created_at, key.last_used_at)
            for key in session.scalars(_valid_of(user_id))
        ]


def revoke_key(db: Database, *, user_id: str, key_id: str) -> None:
    """Raises KeyNotFound for a key that is another's, too."""
    with db.writing() as session:
        key = session.scalars(
            select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user_id)
        ).one_or_none()
        if key is None:
            raise KeyNotFound
        if key.revoked_at is None:
            key.revoked_at = session.scalars(select(database_now())).one()


def find_by_key(db: Database, key: str) -> Person | None:
    """Whose key it is, if it counts; notes that it was used."""
    digest = _digest(key)
    is_stale = or_(
        ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= database_now(-_NOTED_EVERY_S)
    ).label("is")
    with db.reading() as session:
        found = session.execute(
            select(ApiKey, is_stale)
            .join(ApiKey.user)
            .where(
                ApiKey.key_sha256 == digest,
                ApiKey.revoked_at.is_(None),
                User.disabled_at.is_(None),
            )
            .options(joinedload(ApiKey.user))
        ).one_or_none()
    # The index's comparison takes longer the more of the digest is right, of which nobody who has
    # not the key can make use; the last word takes always as long.
    if found is None or not hmac.compare_digest(found[0].key_sha256, digest):
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


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
