"""Groups of accounts, which administrators or a provider (`provider_groups`) make and fill. Who is
in one is asked with every use, so a change of it takes effect with the next request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.errors import (
    AccountNotFound,
    GroupNameTaken,
    GroupNotFound,
    TooManyMembers,
    UnusableKeptDays,
)
from shared.accounts.handing_over.templates import end_templates
from shared.accounts.users import clean_name, name_key
from shared.audit import Act
from shared.db import Database
from shared.models import Group, GroupMember, User
from shared.search.saved import end_searches
from shared.words.hotwords import end_list
from shared.words.replacements import lists

MOST_MEMBERS = 5000
"""Accounts of a group at most."""

MOST_GROUPS = 1000

MOST_KEPT_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Member:
    """An account in a group."""

    id: str
    name: str
    issuer: str | None = None
    """The provider by whose word it is in it; None where an administrator put it there."""


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group, with its members where that was asked for."""

    id: str
    name: str
    created_at: datetime
    kept_days: int | None
    """Days for which a job that a member submits is kept after its end; None: no rule."""
    members: tuple[Member, ...] = ()

    @classmethod
    def of(cls, row: Group, members: Iterable[Member] = ()) -> GroupRecord:
        return cls(row.id, row.name, row.created_at, row.kept_days, tuple(members))


def groups(db: Database) -> list[GroupRecord]:
    """List the groups by name, with their members by name."""
    members: dict[str, list[Member]] = {}
    with db.reading() as session:
        of_groups = select(GroupMember.group_id, User.id, User.name, GroupMember.issuer).join(
            User, User.id == GroupMember.user_id
        )
        for group_id, user_id, name, issuer in session.execute(of_groups.order_by(User.name_key)):
            members.setdefault(group_id, []).append(Member(user_id, name, issuer))
        rows = session.scalars(select(Group).order_by(Group.name_key)).all()
    return [GroupRecord.of(row, members.get(row.id, ())) for row in rows]


def groups_of(db: Database, user_id: str) -> list[GroupRecord]:
    """The groups that an account is in, by name, without their members; of an administrator all
    that there are."""
    with db.reading() as session:
        return [
            GroupRecord.of(row)
            for row in session.scalars(_visible_to(session, user_id).order_by(Group.name_key))
        ]


def memberships(db: Database, user_id: str) -> list[GroupRecord]:
    """The groups that an account is in, an administrator's too, as `groups_of` gives them."""
    of_user = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    with db.reading() as session:
        rows = session.scalars(select(Group).where(Group.id.in_(of_user)).order_by(Group.name_key))
        return [GroupRecord.of(row) for row in rows]


def group_of(db: Database, user_id: str, group_id: str) -> GroupRecord:
    """A group that an account is in, or any for an administrator. Raises GroupNotFound."""
    with db.reading() as session:
        row = session.scalars(
            _visible_to(session, user_id).where(Group.id == group_id)
        ).one_or_none()
        if row is None:
            raise GroupNotFound(param="group")
        return GroupRecord.of(row)


def visible_group(session: Session, user_id: str, group_id: str) -> Group:
    """A group that an account is in, or any for an administrator, which is not deleted until this
    transaction ends. Raises GroupNotFound."""
    found: Group | None = session.scalars(
        _visible_to(session, user_id)
        .where(Group.id == group_id)
        .with_for_update(read=True, key_share=True, of=Group)
    ).one_or_none()
    if found is None:
        raise GroupNotFound(param="group")
    return found


def _visible_to(session: Session, user_id: str) -> Select[Group]:
    wanted = select(Group)
    if session.scalar(select(User.is_admin).where(User.id == user_id)):
        return wanted
    return wanted.join(GroupMember, GroupMember.group_id == Group.id).where(
        GroupMember.user_id == user_id
    )


def add_group(db: Database, name: str) -> GroupRecord:
    """Add an empty group. Raises UnusableName, GroupNameTaken, or TooManyMembers where there are
    MOST_GROUPS."""
    try:
        with db.writing() as session:
            made = new_group(session, name)
            return GroupRecord.of(made)
    except IntegrityError as error:
        raise GroupNameTaken(param="name") from error


def new_group(session: Session, name: str, *, issuer: str | None = None) -> Group:
    """Add an empty group, as a provider's if one is named. Raises UnusableName, TooManyMembers, or
    IntegrityError where the name is taken."""
    made = Group(name=clean_name(name), name_key=name_key(name), issuer=issuer)
    if (session.scalar(select(func.count()).select_from(Group)) or 0) >= MOST_GROUPS:
        raise TooManyMembers
    session.add(made)
    session.flush()
    session.refresh(made)
    audit.record(session, Act.GROUP_ADDED, object_id=made.id, name=made.name, **_by(issuer))
    return made


def rename_group(db: Database, group_id: str, name: str) -> None:
    """Give a group another name. Raises GroupNotFound, UnusableName or GroupNameTaken."""
    cleaned, key = clean_name(name), name_key(name)
    try:
        with db.writing() as session:
            row = _found(session, group_id)
            before = row.name
            row.name, row.name_key = cleaned, key
            session.flush()
            audit.record(
                session, Act.GROUP_RENAMED, object_id=group_id, name=cleaned, before=before
            )
    except IntegrityError as error:
        raise GroupNameTaken(param="name") from error


def set_kept_days(db: Database, group_id: str, days: int | None) -> None:
    """Keep what a group's members submit from now on for so many days after its end; None: there is
    no rule. Raises GroupNotFound or UnusableKeptDays."""
    if days is not None and not 1 <= days <= MOST_KEPT_DAYS:
        raise UnusableKeptDays(param="kept_days")
    with db.writing() as session:
        row = _found(session, group_id)
        before = row.kept_days
        if before == days:
            return
        row.kept_days = days
        audit.record(
            session,
            Act.GROUP_KEPT_DAYS_SET,
            object_id=group_id,
            name=row.name,
            days=days,
            before=before,
        )


def delete_group(db: Database, group_id: str) -> None:
    """Delete a group: what was shared with it is not any more, its saved searches and templates are
    gone, and its lists of words hold for nothing that is submitted from now on. Raises
    GroupNotFound."""
    with db.writing() as session:
        _delete(session, group_id)


def _delete(session: Session, group_id: str) -> None:
    row = _found(session, group_id)
    audit.record(session, Act.GROUP_DELETED, object_id=group_id, name=row.name)
    session.delete(row)
    session.flush()
    end_searches(session, group_id)
    end_templates(session, group_id)
    lists.end(session, group_id)
    end_list(session, group_id)  # last, as is its lock


def add_member(db: Database, group_id: str, name: str) -> Member:
    """Put the account of a name into a group; one that is in it stays. Raises GroupNotFound,
    AccountNotFound or TooManyMembers."""
    with db.writing() as session:
        group = _found(session, group_id)
        user = session.scalars(
            select(User).where(User.name_key == name_key(name), User.erase_asked_at.is_(None))
        ).one_or_none()
        if user is None:
            raise AccountNotFound(param="name")
        row = session.get(GroupMember, (group_id, user.id))
        if row is None:
            put_in(session, group, user.id)
        return Member(user.id, user.name, row.issuer if row else None)


def put_in(session: Session, group: Group, user_id: str, *, issuer: str | None = None) -> None:
    """Put an account that is not in it into a group that is held, by a provider's word if one is
    named. Raises TooManyMembers."""
    of_group = select(func.count()).where(GroupMember.group_id == group.id)
    if (session.scalar(of_group) or 0) >= MOST_MEMBERS:
        raise TooManyMembers
    session.add(GroupMember(group_id=group.id, user_id=user_id, issuer=issuer))
    session.flush()
    audit.record(
        session,
        Act.MEMBER_ADDED,
        object_id=group.id,
        subject_id=user_id,
        name=group.name,
        **_by(issuer),
    )


def remove_member(db: Database, group_id: str, user_id: str) -> None:
    """Take an account out of a group; one that is not in it is no error. Raises GroupNotFound."""
    with db.writing() as session:
        take_out(session, _found(session, group_id), user_id)


def take_out(session: Session, group: Group, user_id: str, *, issuer: str | None = None) -> None:
    """Take an account out of a group, by a provider's word if one is named; one that is not in it
    is no error."""
    removed = session.execute(
        delete(GroupMember)
        .where(GroupMember.group_id == group.id, GroupMember.user_id == user_id)
        .returning(GroupMember.user_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if removed is not None:
        audit.record(
            session,
            Act.MEMBER_REMOVED,
            object_id=group.id,
            subject_id=user_id,
            name=group.name,
            **_by(issuer),
        )


def _by(issuer: str | None) -> dict[str, str]:
    """Field of the audit log for a provider."""
    return {} if issuer is None else {"provider": issuer}


def _found(session: Session, group_id: str) -> Group:
    """A group, held until this transaction ends: it is not deleted while it is filled."""
    row = session.scalars(select(Group).where(Group.id == group_id).with_for_update()).one_or_none()
    if row is None:
        raise GroupNotFound
    return row
