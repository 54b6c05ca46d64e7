"""Update of an account's groups to those that its provider names at a sign-in.

A provider fills the groups that the operator's settings name, and those that it made itself. It
takes nobody out of another group but whom it put there, so what an administrator did by hand in
groups that it does not fill stays, and so does what another provider did anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shared.accounts.errors import TooManyMembers, UnusableName
from shared.accounts.groups.membership import MOST_GROUPS, new_group, put_in, take_out
from shared.accounts.users import clean_name, name_key
from shared.models import Group, GroupMember


@dataclass(frozen=True, slots=True)
class GroupsThere:
    """Membership of an account in this server's groups according to a provider. All groups are told
    by name."""

    governed: frozenset[str]
    """Groups of this server that the provider fills by the operator's settings."""
    within: frozenset[str]
    """Groups of `governed` that the account belongs to."""
    follows_others: bool = False
    """True if further groups of the provider become groups here too."""
    others: frozenset[str] = frozenset()
    """Further groups of the account, by their names at the provider."""


def bring_in_line(
    session: Session, user_id: str, issuer: str, told: GroupsThere
) -> tuple[str, ...]:
    """Put an account into the groups that its provider tells and take it out of all others that
    the provider fills. Returns the names of those that it could not be put into.

    Groups that are missing are made.  A group that administrators or another provider made is
    filled only where the settings name it: whoever can make groups at the provider would else come
    into any of ours by its name.  Two sign-ins never run this at once.
    """
    governed = {name_key(name) for name in told.governed}
    within = {name_key(name): name for name in sorted(told.within)}
    others, left_out = _usable(told.others)
    left_out += [others.pop(key) for key in sorted(governed & others.keys())]
    known = {group.name_key: group for group in _held(session, user_id, {*within, *others})}
    joined: set[str] = set()
    rows = {row.group_id: row.issuer for row in _memberships(session, user_id)}
    for key, name in (others | within).items():
        group = known.get(key)
        if group is not None and key not in governed and group.issuer != issuer:
            left_out.append(name)
            continue
        try:
            if group is None:
                group = new_group(session, name, issuer=issuer)
            if group.id not in rows:
                put_in(session, group, user_id, issuer=issuer)
        except (UnusableName, TooManyMembers):
            left_out.append(name)
            continue
        joined.add(group.id)
    for group in known.values():
        if group.id not in rows or group.id in joined:
            continue
        is_filled = group.name_key in governed or (told.follows_others and group.issuer == issuer)
        if rows[group.id] == issuer or (is_filled and rows[group.id] is None):
            take_out(session, group, user_id, issuer=issuer)
    return tuple(left_out)


def _usable(names: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Names that a group may have, by their keys, and the others: what a provider tells may be any
    text, even one that no database takes."""
    usable: dict[str, str] = {}
    left_out: list[str] = []
    for name in sorted(names):
        try:
            cleaned = clean_name(name)
        except UnusableName:
            cleaned = ""
        if cleaned and len(usable) < MOST_GROUPS:
            usable[name_key(cleaned)] = cleaned
        else:
            left_out.append(name)
    return usable, left_out


def _held(session: Session, user_id: str, keys: set[str]) -> list[Group]:
    """The groups of these names and those that the account is in, none of which is deleted until
    this transaction ends."""
    of_user = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    return list(
        session.scalars(
            select(Group)
            .where(or_(Group.name_key.in_(keys), Group.id.in_(of_user)))
            .order_by(Group.id)
            .with_for_update(read=True, key_share=True)
        )
    )


def _memberships(session: Session, user_id: str) -> list[GroupMember]:
    return list(session.scalars(select(GroupMember).where(GroupMember.user_id == user_id)))
