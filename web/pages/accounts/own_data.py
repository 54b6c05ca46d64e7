"""The page on which a person takes all of their data away, or erases their account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _

from shared import accounts
from shared.accounts.errors import LastAdministrator, TooManyAttempts, WrongPassword
from shared.export import FORMATS
from shared.owner_data import Wanted
from web.api.own_data.views import erase, export_response
from web.authentication.attempts import address, attempt_limit
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import end_session
from web.pages.accounts.account import refused, render
from web.services import services

page = Blueprint("own_data_page", __name__, url_prefix="/account/data")

_TEMPLATE = "account/own_data.html"


def _context() -> dict[str, Any]:
    return {"formats": list(FORMATS), "chosen": Wanted().formats}


@page.get("")
def own_data() -> str:
    return render(_TEMPLATE, **_context())


@page.post("/export")
def export() -> Response:
    chosen = set(request.form.getlist("formats"))
    return export_response(
        Wanted(tuple(name for name in FORMATS if name in chosen), "recordings" in request.form)
    )


@page.post("/erase")
def erase_account() -> Any:
    user_id = current_owner_id()
    try:
        accounts.require_password(
            services().db,
            attempt_limit(),
            user_id=user_id,
            password=request.form.get("password", ""),
            address=address(),
        )
        erase(user_id)
    except (WrongPassword, TooManyAttempts, LastAdministrator) as error:
        return refused(_TEMPLATE, error, **_context())
    end_session()
    flash(_("Your account is erased. What a worker was busy with goes within a minute."), "done")
    response = redirect(url_for("account.sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
