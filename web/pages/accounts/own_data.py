"""The page on which a person takes all of their data away, or erases their account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _

from shared.accounts.errors import LastAdministrator, TooManyAttempts, WrongPassword
from shared.export.formats import FORMATS
from shared.owner_data import ExportContents
from web.api.own_data.views import erase, export_response
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import end_session
from web.pages.accounts.account import refused, render, without_cached_pages
from web.pages.accounts.reauthentication import require_password

page = Blueprint("own_data_page", __name__, url_prefix="/account/data")

_TEMPLATE = "account/own_data.html"


def _context() -> dict[str, Any]:
    return {"formats": list(FORMATS), "chosen": ExportContents().formats}


@page.get("")
def own_data() -> str:
    return render(_TEMPLATE, **_context())


@page.post("/export")
def export() -> Response:
    chosen = set(request.form.getlist("formats"))
    return export_response(
        ExportContents(
            tuple(name for name in FORMATS if name in chosen), "recordings" in request.form
        )
    )


@page.post("/erase")
def erase_account() -> Any:
    user_id = current_owner_id()
    try:
        require_password()
        erase(user_id)
    except (WrongPassword, TooManyAttempts, LastAdministrator) as error:
        return refused(_TEMPLATE, error, **_context())
    end_session()
    flash(_("Your account is erased. What a worker was busy with goes within a minute."), "done")
    return without_cached_pages(redirect(url_for("account.sign_in"), 303))
