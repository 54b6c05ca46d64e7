"""The list of what others share with whoever looks."""

from __future__ import annotations

from flask import render_template, request

from shared import accounts
from shared.sharing import received_jobs
from web.api.parsing import parse
from web.api.sharing.schemas import ReceivedQuery
from web.authentication.owner import current_owner_id
from web.pages.blueprint import pages
from web.services import services


@pages.get("/shared")
def shared_with_me() -> str:
    query = parse(ReceivedQuery, request.args)
    db, person_id = services().db, current_owner_id()
    group_id = None if query.group is None else str(query.group)
    found, next_cursor = received_jobs(
        db, person_id=person_id, limit=query.limit, cursor=query.cursor, group_id=group_id
    )
    return render_template(
        "sharing/received.html",
        received=found,
        next_cursor=next_cursor,
        cursor=query.cursor,
        groups=accounts.memberships(db, person_id),
        group_id=group_id,
    )
