"""Accounts that are opened by somebody's word: an OpenID Connect provider's.

An account is found by issuer and subject and by nothing else.  A name or an address of mail may be
anybody's at a provider, so neither ever leads to an account that is there already.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.advisory_lock import one_at_a_time
from shared.accounts.errors import (
    AccountDisabled,
    IdentityNotFound,
    IdentityTaken,
    LastAdministrator,
    LastWayIn,
    NoAccountYet,
    UnusableName,
)
from shared.accounts.groups.provider_groups import GroupsThere, bring_in_line
from shared.accounts.sessions import begin_within
from shared.accounts.sign_in_expiry import SessionLimits, is_over
from shared.accounts.users import (
    LONGEST_NAME,
    Person,
    as_person,
    change_role,
    clean_name,
    name_key,
)
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import Identity, SignIn, User

NO_PASSWORD = ""
"""The hash of an account without a password."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """A person by the word of a provider, which the caller has verified."""

    issuer: str
    subject: str
    name: str
    """Name of a new account; a number is added if another has it."""
    is_admin: bool | None
    """True for an administrator; None where the provider does not decide about that."""
    groups: GroupsThere | None = None
    """Groups of the account; None where the provider does not decide about groups."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A sign-in that began."""

    person: Person
    token: str
    is_new: bool
    """True if the account was made just now."""
    stayed_admin: bool
    """True if the provider says that this is no administrator's account, and it stayed one because
    it is the only one."""
    groups_left_out: tuple[str, ...] = ()
    """Groups that the provider tells and that could not be joined, by name."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An identity of an account, as its person sees it."""

    id: str
    issuer: str
    created_at: datetime
    last_used_at: datetime


def enter(db: Database, limits: SessionLimits, vouched: Vouched, *, may_create: bool) -> Entered:
    """Sign in whom a provider vouches for, and make an account if there is none and one may be
    made. Raises NoAccountYet or AccountDisabled."""
    try:
        return _enter(db, limits, vouched, may_create=may_create)
    except IntegrityError:  # an administrator gave a name away in the same moment
        return _enter(db, limits, vouched, may_create=may_create)


def _enter(db: Database, limits: SessionLimits, vouched: Vouched, *, may_create: bool) -> Entered:
    with db.writing() as session:
        one_at_a_time(session)  # so two first sign-ins make one account
        session.execute(delete(SignIn).where(is_over(limits)))
        identity = session.scalars(_of(vouched.issuer, vouched.subject)).one_or_none()
        if identity is None:
            if not may_create:
                raise NoAccountYet
            user = _new_user(session, vouched)
        else:
            user = session.get_one(User, identity.user_id)
        if user.disabled_at is None:
            if identity is not None:
                identity.last_used_at = session.scalars(select(database_now())).one()
            return _begun(session, user, vouched, is_new=identity is None)
        refused_id = user.id
    with db.writing() as session:
        audit.record(session, Act.SIGN_IN_REFUSED, subject_id=refused_id, disabled=True)
    raise AccountDisabled


def _begun(session: Session, user: User, vouched: Vouched, *, is_new: bool) -> Entered:
    """Give an account the role and the groups that its provider tells, and begin a sign-in."""
    stayed_admin = False
    if vouched.is_admin is not None and vouched.is_admin != user.is_admin:
        try:
            change_role(session, user, vouched.is_admin)
        except LastAdministrator:
            stayed_admin = True
    left_out: tuple[str, ...] = ()
    if vouched.groups is not None:
        left_out = bring_in_line(session, user.id, vouched.issuer, vouched.groups)
    token = begin_within(session, user.id)
    return Entered(as_person(user), token, is_new, stayed_admin, left_out)


def connect(db: Database, user_id: str, vouched: Vouched) -> None:
    """Let an identity open an account whose person is signed in. Raises IdentityTaken."""
    with db.writing() as session:
        one_at_a_time(session)
        known = session.scalars(_of(vouched.issuer, vouched.subject)).one_or_none()
        if known is not None and known.user_id != user_id:
            raise IdentityTaken
        if known is None:
            _add(session, vouched, user_id)


def disconnect(db: Database, user_id: str, identity_id: str, *, issuers: Collection[str]) -> None:
    """Let an identity open an account no more. Raises IdentityNotFound, or LastWayIn where the
    account has neither a password nor another identity at one of `issuers`, the ones that there
    are now."""
    with db.writing() as session:
        one_at_a_time(session)
        user = session.get_one(User, user_id)
        held = session.scalars(select(Identity).where(Identity.user_id == user_id)).all()
        if identity_id not in [one.id for one in held]:
            raise IdentityNotFound
        others = [one for one in held if one.id != identity_id and one.issuer in issuers]
        if not others and user.password_hash == NO_PASSWORD:
            raise LastWayIn
        session.execute(delete(Identity).where(Identity.id == identity_id))
        audit.record(session, Act.DISCONNECTED, object_id=user_id, subject_id=user_id)


def connections_of(db: Database, user_id: str) -> list[Connection]:
    """The identities of an account, the oldest first."""
    with db.reading() as session:
        found = session.scalars(
            select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)
        )
        return [Connection(one.id, one.issuer, one.created_at, one.last_used_at) for one in found]


def _of(issuer: str, subject: str) -> Select[Identity]:
    return select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)


def _add(session: Session, vouched: Vouched, user_id: str) -> None:
    session.add(Identity(issuer=vouched.issuer, subject=vouched.subject, user_id=user_id))
    audit.record(session, Act.CONNECTED, object_id=user_id, subject_id=user_id, actor_id=user_id)


def _new_user(session: Session, vouched: Vouched) -> User:
    name = _free_name(session, vouched.name)
    user = User(name=name, name_key=name_key(name), password_hash=NO_PASSWORD)
    session.add(user)
    session.flush()
    audit.record(session, Act.ACCOUNT_ADDED, object_id=user.id, subject_id=user.id)
    _add(session, vouched, user.id)
    session.flush()
    session.refresh(user)
    return user


def _free_name(session: Session, wanted: str) -> str:
    """`wanted` as the name of an account, with a number if another has it."""
    try:
        name = clean_name(wanted[: LONGEST_NAME - 8].strip())
    except UnusableName:
        name = "account"
    tried, number = name, 1
    while session.scalar(select(User.id).where(User.name_key == name_key(tried))) is not None:
        number += 1
        tried = f"{name} {number}"
    return tried
