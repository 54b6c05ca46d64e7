"""The page on which administrators make groups and fill them. `web.authentication.sign_in` refuses
everybody else."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _

from shared import accounts
from shared.accounts.errors import (
    AccountNotFound,
    GroupNameTaken,
    GroupNotFound,
    TooManyMembers,
)
from shared.errors import InvalidRequest, LongscribeError
from web.pages.accounts.account import error_text, render
from web.pages.confirmation import is_confirmed, question_page
from web.services import services

page = Blueprint("groups_page", __name__, url_prefix="/people/groups")

_REFUSALS = (InvalidRequest, GroupNameTaken, TooManyMembers, AccountNotFound)


def _page(status: int = 200, **context: Any) -> Response:
    db = services().db
    html = render(
        "groups/groups.html",
        groups=accounts.groups(db),
        people=accounts.people(db),
        providers={one.issuer: one.name for one in services().providers},
        providers_fill_groups=any(one.fills_groups for one in services().providers),
        **context,
    )
    return make_response(html, status)


def _refused(error: LongscribeError) -> Response:
    return _page(error.http_status, problem=error_text(error))


@page.get("")
def all_groups() -> Response:
    return _page()


@page.post("")
def add() -> Any:
    try:
        accounts.add_group(services().db, request.form.get("name", ""))
    except _REFUSALS as error:
        return _refused(error)
    return _back(_("The group is added."))


@page.post("/<uuid:group_id>")
def rename(group_id: UUID) -> Any:
    try:
        accounts.rename_group(services().db, str(group_id), request.form.get("name", ""))
    except _REFUSALS as error:
        return _refused(error)
    return _back(_("The group has another name."))


@page.post("/<uuid:group_id>/kept-days")
def set_kept_days(group_id: UUID) -> Any:
    given = request.form.get("days", "").strip()
    days = None
    if given:
        days = int(given) if re.fullmatch("[0-9]{1,6}", given) else 0
    try:
        accounts.set_kept_days(services().db, str(group_id), days)
    except InvalidRequest as error:
        return _refused(error)
    return _back(_("It holds for what members submit from now on."))


@page.post("/<uuid:group_id>/delete")
def delete(group_id: UUID) -> Any:
    if not is_confirmed():
        names = {one.id: one.name for one in accounts.groups(services().db)}
        if str(group_id) not in names:
            raise GroupNotFound
        return question_page("group", back=url_for(".all_groups"), name=names[str(group_id)])
    accounts.delete_group(services().db, str(group_id))
    return _back(_("The group is deleted. What was shared with it is not any more."))


@page.post("/<uuid:group_id>/members")
def add_member(group_id: UUID) -> Any:
    try:
        accounts.add_member(services().db, str(group_id), request.form.get("name", ""))
    except _REFUSALS as error:
        return _refused(error)
    return _back(_("Put into the group."))


@page.post("/<uuid:group_id>/members/<uuid:user_id>/remove")
def remove_member(group_id: UUID, user_id: UUID) -> Any:
    accounts.remove_member(services().db, str(group_id), str(user_id))
    return _back(
        _("Taken out of the group: what is shared with it is not there for them any more.")
    )


def _back(message: str) -> Any:
    flash(message, "done")
    return redirect(url_for(".all_groups"), 303)
