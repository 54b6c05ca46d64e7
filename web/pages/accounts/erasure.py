"""The page on which an administrator erases an account. `web.authentication.sign_in` refuses
everybody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _

from shared import accounts
from shared.accounts import Person
from shared.accounts.errors import AccountNotFound, LastAdministrator, WrongName
from web.api.own_data.views import erase
from web.pages.accounts.account import refused, render
from web.services import services

page = Blueprint("erasure", __name__, url_prefix="/people")

_TEMPLATE = "account/erase.html"


def _person(user_id: UUID) -> Person:
    """The account that an address names. Raises AccountNotFound."""
    for one in accounts.people(services().db):
        if one.id == str(user_id):
            return one
    raise AccountNotFound


@page.get("/<uuid:user_id>/erase")
def ask(user_id: UUID) -> str:
    return render(_TEMPLATE, one=_person(user_id))


@page.post("/<uuid:user_id>/erase")
def do_erase(user_id: UUID) -> Any:
    one = _person(user_id)
    try:
        if request.form.get("name", "").strip() != one.name:
            raise WrongName(param="name")
        left = erase(one.id)
    except (WrongName, LastAdministrator) as error:
        return refused(_TEMPLATE, error, one=one)
    message = (
        _("The account is erased. Its number goes within a minute.")
        if left.nothing
        else _("The account is being erased; a worker goes on with what is left.")
    )
    flash(message, "done")
    return redirect(url_for("people.all_people"), 303)
