"""The blueprint of the pages, and what they share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, request
from flask_babel import gettext as _

from shared import accounts
from shared.accounts import GroupRecord
from shared.errors import InvalidRequest, LongscribeError
from web.api.jobs.presenter import DEMO_NOTICE
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
from web.errors import localised_error
from web.services import services

pages = Blueprint("pages", __name__)


@pages.app_context_processor
def _about_the_server() -> dict[str, Any]:
    settings = services().settings
    return {
        "demo_notice": DEMO_NOTICE if settings.uses_demo_model else None,
        "requires_sign_in": settings.requires_sign_in,
        "can_share": settings.requires_sign_in or settings.share_links,
        "fetches_recordings": settings.url_input == "on",
        "max_upload_bytes": settings.max_upload_bytes,
        "max_audio_s": settings.max_audio_s,
    }


def flash_error(error: LongscribeError) -> None:
    """Show an error's message on the next page, in the reader's language."""
    flash(localised_error(error), "error")


def own_groups() -> list[GroupRecord]:
    """The groups that whoever asks is in, by name; none where nobody signs in."""
    if not services().settings.requires_sign_in:
        return []
    return accounts.memberships(services().db, current_owner_id())


def group_of_form(field: str) -> UUID | None:
    """The group that a field of the form names; None where it is empty. Raises InvalidRequest."""
    given = request.form.get(field, "")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidRequest(f"{field}: must be the id of a group.", param=field) from None


def group_given_to() -> str:
    """Id of the group that a form gives something to. Raises InvalidRequest where none is chosen,
    or GroupNotFound."""
    group = group_of_form("to")
    if group is None:
        raise InvalidRequest(_("Nothing was given away: choose a group to give it to."), param="to")
    return keeper_of(group)
