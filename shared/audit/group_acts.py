"""Recording what is done to what a group keeps, which is kept as an owner's is, under its id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.audit.acts import Act
from shared.audit.record import record
from shared.errors import PermanentError
from shared.models import Group


class GroupNotFound(PermanentError):
    code = "group_not_found"
    http_status = 404
    default_message = "There is no such group, or you are not in it."


class GroupId(str):
    """Id of a group, as whoever looked the group up hands it on. An owner's id is a plain text."""

    __slots__ = ()


def hold_group(session: Session, keeper_id: str) -> str | None:
    """Name of the group that keeps something under this id; None where no group does, but an
    owner or everybody. Raises GroupNotFound for a GroupId of one that was deleted since it was
    looked up: what was stored under its id then, nobody would see or delete any more.

    It is not deleted until this transaction ends. Whoever deletes one holds it before all that it
    keeps, and so does whoever calls this.
    """
    name: str | None = session.scalar(
        select(Group.name).where(Group.id == keeper_id).with_for_update(read=True, key_share=True)
    )
    if name is None and isinstance(keeper_id, GroupId):
        raise GroupNotFound(param="group")
    return name


def record_of_group(
    session: Session, act: Act, keeper_id: str, name: str | None, **detail: Any
) -> None:
    """Record what is done to something of the group that `hold_group` named. What an owner does to
    what is theirs is not recorded."""
    if name is not None:
        record(session, act, object_id=keeper_id, name=name, **detail)
