"""The accounts. They are disabled, and deleted by an erasure alone (`shared.owner_data`), so every
recording keeps an owner."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts import passwords
from shared.accounts.advisory_lock import one_at_a_time
from shared.accounts.errors import (
    AccountNotFound,
    ErasureBegun,
    LastAdministrator,
    NameTaken,
    SetUpDone,
    UnusableName,
    UnusableQuota,
)
from shared.accounts.handing_over.ownership import lower_priorities, move_everything
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, Recording, SignIn, User
from shared.notifications.forget_channels import forget_channels
from shared.speakers.kept.voice_keeping import forget_voices
from shared.webhooks.hooks import switch_off
from shared.webhooks.types import DisabledReason

LARGEST_QUOTA_S = 1e6 * 3600
"""Seconds of audio a month, more than can be recognised."""

LONGEST_NAME = 64
"""Characters of an account's name."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account without its password's hash."""

    id: str
    name: str
    is_admin: bool
    password_is_temporary: bool
    has_password: bool
    """False for a person who signs in at a provider only."""
    created_at: datetime
    disabled_at: datetime | None
    erase_asked_at: datetime | None = None
    """Time from which on all that the account has is being erased; None: it is not."""
    monthly_audio_s: float | None = None
    """Seconds of audio that the account may submit in a month; 0 for any, None for what the
    settings say."""
    recordings: int = 0
    """The number of recordings the account owns; 0 unless `people` made this."""


def as_person(user: User, recordings: int = 0) -> Person:
    """Copy an account's row into a Person."""
    return Person(
        id=user.id,
        name=user.name,
        is_admin=user.is_admin,
        password_is_temporary=user.password_is_temporary,
        has_password=bool(user.password_hash),
        created_at=user.created_at,
        disabled_at=user.disabled_at,
        erase_asked_at=user.erase_asked_at,
        monthly_audio_s=user.monthly_audio_s,
        recordings=recordings,
    )


def clean_name(name: str) -> str:
    """Normalise a name (NFKC, single spaces) for storing. Raises UnusableName."""
    cleaned = " ".join(unicodedata.normalize("NFKC", name).split())
    if not cleaned or len(cleaned) > LONGEST_NAME:
        raise UnusableName(param="name")
    # Invisible characters would let two accounts look the same.
    if any(unicodedata.category(letter).startswith("C") for letter in cleaned):
        raise UnusableName(param="name")
    return cleaned


def name_key(name: str) -> str:
    """Build the key that names have in common which differ in capitals, width or spaces only."""
    storable = name.replace("\x00", "\ufffd")  # PostgreSQL is asked for no NUL
    return " ".join(unicodedata.normalize("NFKC", storable).casefold().split())


def is_set_up(db: Database) -> bool:
    """Return whether there is an account."""
    with db.reading() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def people(db: Database) -> list[Person]:
    """List all accounts by name, each with its number of recordings."""
    counted = (
        select(Recording.owner_id, func.count().label("number"))
        .group_by(Recording.owner_id)
        .subquery()
    )
    with db.reading() as session:
        rows = session.execute(
            select(User, func.coalesce(counted.c.number, 0))
            .outerjoin(counted, counted.c.owner_id == User.id)
            .order_by(User.name_key)
        )
        return [as_person(user, number) for user, number in rows]


def person_named(db: Database, name: str) -> Person:
    """Find an account by its name. Raises AccountNotFound."""
    with db.reading() as session:
        user = session.scalars(select(User).where(User.name_key == name_key(name))).one_or_none()
    if user is None:
        raise AccountNotFound(f"There is no account '{name[:LONGEST_NAME]}'.")
    return as_person(user)


def add_first_admin(
    db: Database, *, name: str, password: str, is_temporary: bool = False
) -> Person:
    """Add the first account, an administrator's, and give it everything recorded before.

    Raises SetUpDone if there is an account already, UnusableName or UnusablePassword.
    """
    made = _new(name, password, is_admin=True, is_temporary=is_temporary)
    with db.writing() as session:
        one_at_a_time(session)
        if session.scalar(select(User.id).limit(1)) is not None:
            raise SetUpDone
        session.add(made)
        session.flush()
        move_everything(session, LOCAL_OWNER, made.id)
        session.refresh(made)
        _record(session, Act.ACCOUNT_ADDED, made.id, admin=True, first=True)
        return as_person(made)


def add(
    db: Database, *, name: str, password: str, is_admin: bool = False, is_temporary: bool = True
) -> Person:
    """Add another account. Raises NameTaken, UnusableName or UnusablePassword."""
    made = _new(name, password, is_admin=is_admin, is_temporary=is_temporary)
    try:
        with db.writing() as session:
            session.add(made)
            session.flush()
            session.refresh(made)
            _record(session, Act.ACCOUNT_ADDED, made.id, admin=is_admin)
            return as_person(made)
    except IntegrityError as error:
        raise NameTaken(param="name") from error


def _new(name: str, password: str, *, is_admin: bool, is_temporary: bool) -> User:
    name = clean_name(name)
    passwords.require_acceptable(password, name)
    return User(
        name=name,
        name_key=name_key(name),
        password_hash=passwords.hashed(password),
        is_admin=is_admin,
        password_is_temporary=is_temporary,
    )


def found(session: Session, user_id: str) -> User:
    """Read an account's row. Raises AccountNotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise AccountNotFound
    return user


def _record(session: Session, act: Act, user_id: str, **detail: Any) -> None:
    audit.record(session, act, object_id=user_id, subject_id=user_id, **detail)


def disable(db: Database, user_id: str) -> None:
    """Disable an account: its sign-ins end, and neither its password nor its keys are accepted.

    What it owns stays, and its jobs run; but voices that it kept and its mail address are deleted,
    and its webhooks switched off, for its person could not do so any more.
    Raises AccountNotFound or LastAdministrator.
    """
    with db.writing() as session:
        one_at_a_time(session)
        user = found(session, user_id)
        if user.disabled_at is None:
            _require_another_admin(session, user)
            user.disabled_at = session.scalars(select(database_now())).one()
            _record(session, Act.ACCOUNT_DISABLED, user_id)
        session.execute(delete(SignIn).where(SignIn.user_id == user_id))
        forget_voices(session, user_id)
        switch_off(session, user_id, DisabledReason.ACCOUNT_DISABLED)
        forget_channels(session, user_id)


def is_disabled(db: Database, user_id: str) -> bool:
    """Return whether there is an account of this id that is disabled."""
    disabled = select(User.id).where(User.id == user_id, User.disabled_at.is_not(None))
    with db.reading() as session:
        return session.scalar(disabled) is not None


def enable(db: Database, user_id: str) -> None:
    """Enable an account again; its person switches webhooks on. Raises AccountNotFound or
    ErasureBegun."""
    with db.writing() as session:
        one_at_a_time(session)
        user = found(session, user_id)
        if user.erase_asked_at is not None:
            raise ErasureBegun
        if user.disabled_at is not None:
            user.disabled_at = None
            _record(session, Act.ACCOUNT_ENABLED, user_id)


def set_admin(db: Database, user_id: str, is_admin: bool) -> None:
    """Make an account an administrator's, or no longer one, whose jobs then go before no others.

    Raises AccountNotFound or LastAdministrator.
    """
    with db.writing() as session:
        one_at_a_time(session)
        change_role(session, found(session, user_id), is_admin)


def change_role(session: Session, user: User, is_admin: bool) -> None:
    """Do what `set_admin` does, within a transaction in which `one_at_a_time` was called. Raises
    LastAdministrator."""
    if not is_admin:
        _require_another_admin(session, user)
        lower_priorities(session, user.id)
    if user.is_admin is not is_admin:
        user.is_admin = is_admin
        _record(session, Act.MADE_ADMIN if is_admin else Act.NO_ADMIN, user.id)


def set_monthly_quota(db: Database, user_id: str, audio_s: float | None) -> None:
    """Set how many seconds of audio an account may submit in a month: 0 for any number, None for
    what the settings say. Raises AccountNotFound or UnusableQuota."""
    if audio_s is not None and not 0 <= audio_s <= LARGEST_QUOTA_S:  # NaN is not either
        raise UnusableQuota(param="hours")
    with db.writing() as session:
        user = found(session, user_id)
        before, user.monthly_audio_s = user.monthly_audio_s, audio_s
        _record(session, Act.QUOTA_SET, user_id, seconds_before=before, seconds=audio_s)


def _require_another_admin(session: Session, user: User) -> None:
    if not user.is_admin or user.disabled_at is not None:
        return
    others = select(User.id).where(
        User.is_admin.is_(True), User.disabled_at.is_(None), User.id != user.id
    )
    if session.scalar(others.limit(1)) is None:
        raise LastAdministrator
