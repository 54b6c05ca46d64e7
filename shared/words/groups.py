"""Groups whose lists of words apply to a person's submissions, beside their own list and
everybody's: the groups that they are in at that time.

A group's list is kept as an owner's is, under the group's id. All of its members write it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute

from shared.models import LOCAL_OWNER, Group, GroupMember

MOST_LISTS = 20
"""Groups whose lists a job is given, by name: of more, those after them are left out."""


def may_be_in_groups(owner_id: str) -> bool:
    """Return whether an owner has an account, which groups are of: where nobody signs in, nothing
    need be asked about them."""
    return owner_id != LOCAL_OWNER


def of_groups(
    wanted: Select[*tuple[Any, ...]],
    keeper: ColumnElement[str] | InstrumentedAttribute[str],
    owner_id: str,
) -> Select[*tuple[Any, ...]]:
    """The rows of `wanted` that are of an owner's groups, by the groups' names. `keeper` is the
    column that says whose list it is."""
    return (
        wanted.join(Group, Group.id == keeper)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(GroupMember.user_id == owner_id)
        .order_by(Group.name_key)
        .limit(MOST_LISTS)
    )
