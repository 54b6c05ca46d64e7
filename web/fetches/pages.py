"""The page on which recordings are fetched from addresses, which works with forms alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from shared.errors import LongscribeError
from shared.fetches import requests
from shared.fetches.requests import FetchRecord, FetchState
from web.api.parsing import validated
from web.authentication.owner import current_owner_id
from web.errors import localised_error, localised_message
from web.fetches import submission
from web.fetches.schemas import FetchSubmission
from web.i18n.languages import N_
from web.polling.intervals import FETCH_S
from web.services import services

page = Blueprint("fetches_page", __name__)

_STATES = {
    FetchState.WAITING: N_("waits to be fetched"),
    FetchState.FETCHING: N_("is being fetched"),
    FetchState.FAILED: N_("could not be fetched"),
    FetchState.CANCELLED: N_("cancelled"),
}

_SHOWN = 50


def _problem(fetch: FetchRecord) -> str | None:
    code = fetch.error_code
    return localised_message(code, fetch.error_message or "") if code else None


def _list(template: str, status: int = 200, **context: Any) -> Response:
    found = requests.fetches_of(services().db, current_owner_id(), most=_SHOWN)
    html = render_template(
        template,
        fetches=found,
        states=_STATES,
        open_states=requests.OPEN,
        problem_of=_problem,
        is_on=submission.is_on(),
        **context,
    )
    response = make_response(html, status)
    if any(one.state in requests.OPEN for one in found):
        response.headers["Retry-After"] = str(FETCH_S)
    return response


@page.get("/fetches")
def all_fetches() -> Response:
    return _list("fetches/fetches.html")


@page.get("/fragments/fetches")
def fetches_fragment() -> Response:
    """Render the list alone, which the page asks for while something is on its way."""
    response = _list("fetches/_fetches.html")
    response.headers["Cache-Control"] = "no-store"
    return response


@page.post("/fetches")
def ask() -> Any:
    names = ("url", "speakers", "numbers")
    given = {name: request.form[name] for name in names if request.form.get(name)}
    try:
        submission.ask_as(validated(FetchSubmission, given))
    except LongscribeError as error:
        problem = localised_error(error)
        return _list("fetches/fetches.html", error.http_status, problem=problem, given=given)
    flash(_("It is being fetched. Once it is here it stands among your jobs."), "done")
    return redirect(url_for(".all_fetches"), 303)


@page.post("/fetches/<uuid:fetch_id>/cancel")
def cancel(fetch_id: UUID) -> Any:
    submission.cancel(str(fetch_id))
    return redirect(url_for(".all_fetches"), 303)
