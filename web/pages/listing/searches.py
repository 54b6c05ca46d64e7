"""The forms beside the list for the searches that are kept under a name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext as _

from shared.errors import InvalidRequest
from shared.search.saved import (
    ListConditions,
    SearchNotFound,
    delete_search,
    give_search,
    rename_search,
    save_search,
    take_search,
)
from web.api.parsing import parse
from web.api.searches import address_of, usable_searches
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
from web.pages.blueprint import flash_error, group_given_to, group_of_form, pages
from web.pages.confirmation import is_confirmed, question_page
from web.pages.listing.query import ListQuery
from web.services import services
from web.site_address import same_site_path


def folders() -> list[dict[str, Any]]:
    """The saved searches of whoever asks and of their groups, as the list's page shows them."""
    return [{"saved": one, "address": address_of(one.conditions)} for one in usable_searches()]


def conditions_of(query: ListQuery) -> ListConditions:
    return ListConditions(query.show, query.q.strip(), query.tag.strip(), query.person.strip())


@pages.post("/searches")
def save_list() -> Any:
    query = parse(ListQuery, request.form, "csrf_token", "name")
    try:
        saved = save_search(
            services().db,
            owner_id=current_owner_id(),
            name=request.form.get("name", ""),
            conditions=conditions_of(query),
        )
    except InvalidRequest as error:
        flash_error(error)
        return redirect(query.address(), 303)
    flash(_("“%(name)s” is saved.", name=saved.name), "done")
    return redirect(address_of(saved.conditions), 303)


@pages.post("/searches/<uuid:search_id>")
def change_folder(search_id: UUID) -> Any:
    """Rename or delete a saved search, give it to a group or take it out of one, by the button
    that was pressed."""
    db, keeper, one = services().db, keeper_of(group_of_form("group")), str(search_id)
    asked: dict[str, Any] = {"owner_id": keeper, "search_id": one}
    try:
        match request.form.get("do"):
            case "delete" if not is_confirmed():
                return _question(one)
            case "delete":
                delete_search(db, **asked)
                flash(_("The saved search is deleted; its jobs are still there."), "done")
            case "give":
                give_search(db, **asked, group_id=group_given_to())
                flash(_("The saved search is the group's now. All of its members use it."), "done")
            case "take":
                take_search(db, group_id=keeper, search_id=one, owner_id=current_owner_id())
                flash(_("The saved search is yours alone now."), "done")
            case _:
                rename_search(db, **asked, name=request.form.get("name", ""))
    except InvalidRequest as error:
        flash_error(error)
    return redirect(_back(), 303)


def _question(search_id: str) -> Response:
    """The page that asks before a saved search is deleted. Raises SearchNotFound."""
    found = [one for one in usable_searches() if one.id == search_id]
    if not found:
        raise SearchNotFound
    about = "group's search" if found[0].group_id else "saved search"
    fields = ("do", "group", "back")
    return question_page(about, back=_back(), fields=fields, name=found[0].name)


def _back() -> str:
    back = request.form.get("back")
    return same_site_path(back) if back else url_for(".index")
