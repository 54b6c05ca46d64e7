"""Owner, or group, of the list, search or template that a request is about: the one place that lets
in more than an owner.

What a group keeps is kept as an owner's is, under the group's id.  Who is in a group may use and
change all of it, and an administrator that of every group.
"""

from __future__ import annotations

from uuid import UUID

from shared import accounts
from shared.audit import GroupId
from web.authentication.owner import current_owner_id
from web.services import services


def keeper_of(group: UUID | None) -> str:
    """The id under which it is kept: that of the group that is named, or of whoever sent this
    request. Raises GroupNotFound, also for those who are not in the group.

    A group's is a GroupId: it may be deleted before something is written, and then nothing is.
    """
    owner_id = current_owner_id()
    if group is None:
        return owner_id
    return GroupId(accounts.group_of(services().db, owner_id, str(group)).id)
