"""The page on which administrators manage accounts.

`web.authentication.sign_in` refuses everybody else.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import structlog
from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    request,
    url_for,
)
from flask_babel import gettext as _

from shared import accounts
from shared.accounts.errors import (
    AccountNotFound,
    LastAdministrator,
    NameTaken,
    UnusableQuota,
)
from shared.errors import InvalidRequest, LongscribeError
from web.authentication.sign_in import current_person
from web.http.repeated_forms import is_sent_again
from web.pages.accounts.account import error_text, me, render, shown_once
from web.pages.confirmation import is_confirmed, question_page
from web.quotas.texts import quota_text, use_text
from web.quotas.usage import use_by_owner
from web.services import services

log = structlog.stdlib.get_logger(__name__)

people = Blueprint("people", __name__, url_prefix="/people")


def _page(status: int = 200, **context: Any) -> Response:
    here = services()
    html = render(
        "account/people.html",
        people=accounts.people(here.db),
        two_steps=accounts.with_authenticators(here.db),
        use=use_by_owner(),
        use_text=use_text,
        quota_text=partial(quota_text, default_s=here.owner_limits.monthly_s),
        **context,
    )
    return shown_once(html, status) if context else make_response(html, status)


def _refused(error: LongscribeError, **context: Any) -> Response:
    return _page(error.http_status, problem=error_text(error), **context)


def _log(what: str, user_id: str) -> None:
    person = current_person()
    log.info(what, account=user_id, by=person.id if person else None)


@people.get("")
def all_people() -> Response:
    return _page()


@people.post("")
def add() -> Any:
    if is_sent_again():
        return _done_already()
    name = request.form.get("name", "")
    password = accounts.random_password()
    try:
        made = accounts.add(
            services().db, name=name, password=password, is_admin="admin" in request.form
        )
    except (InvalidRequest, NameTaken) as error:
        return _refused(error, name=name)
    _log("account added", made.id)
    return _page(201, password_of=made.name, password=password)


@people.get("/<uuid:user_id>/password")
def no_password(user_id: UUID) -> Any:
    """Redirect those who return to the page on which a password was shown."""
    return redirect(url_for(".all_people"), 303)


@people.post("/<uuid:user_id>/password")
def reset_password(user_id: UUID) -> Any:
    if is_sent_again():
        return _done_already()
    password = accounts.random_password()
    person = accounts.reset_password(services().db, str(user_id), password)
    _log("password reset", person.id)
    return _page(password_of=person.name, password=password)


@people.post("/<uuid:user_id>/second-step/remove")
def remove_second_step(user_id: UUID) -> Any:
    if str(user_id) == me().id:  # on the own page, where password and code are asked for
        return redirect(url_for("account.authenticator"), 303)
    if not is_confirmed():
        return question_page("second step", back=url_for(".all_people"), name=_name_of(user_id))
    if accounts.remove_authenticator(services().db, str(user_id)):
        _log("authenticator removed", str(user_id))
    return _back(_("The account signs in with its password alone now."))


def _name_of(user_id: UUID) -> str:
    """The name of an account. Raises AccountNotFound."""
    names = {one.id: one.name for one in accounts.people(services().db)}
    if str(user_id) not in names:
        raise AccountNotFound
    return names[str(user_id)]


def _done_already() -> Any:
    return _back(_("That was done already. What was shown then is shown once only."))


@people.post("/<uuid:user_id>/disable")
def disable(user_id: UUID) -> Any:
    if not is_confirmed():
        return question_page("account's use", back=url_for(".all_people"), name=_name_of(user_id))
    try:
        accounts.disable(services().db, str(user_id))
    except LastAdministrator as error:
        return _refused(error)
    _log("account disabled", str(user_id))
    return _back(
        _(
            "The account is disabled. Its recordings stay, and its waiting jobs run. Voices that "
            "it kept are deleted, and its webhooks are switched off."
        )
    )


@people.post("/<uuid:user_id>/enable")
def enable(user_id: UUID) -> Any:
    accounts.enable(services().db, str(user_id))
    _log("account enabled", str(user_id))
    return _back(_("The account can be used again."))


@people.post("/<uuid:user_id>/admin")
def make_admin(user_id: UUID) -> Any:
    accounts.set_admin(services().db, str(user_id), True)
    _log("account made an administrator's", str(user_id))
    return _back(_("The account is an administrator's now."))


@people.post("/<uuid:user_id>/no-admin")
def make_no_admin(user_id: UUID) -> Any:
    try:
        accounts.set_admin(services().db, str(user_id), False)
    except LastAdministrator as error:
        return _refused(error)
    _log("account no administrator's any more", str(user_id))
    return _back(_("The account is no administrator's any more."))


@people.post("/<uuid:user_id>/quota")
def set_quota(user_id: UUID) -> Any:
    hours = request.form.get("hours", "").strip()
    try:
        accounts.set_monthly_quota(services().db, str(user_id), _seconds(hours))
    except InvalidRequest as error:
        return _refused(error)
    _log("monthly quota set", str(user_id))
    return _back(_("The quota is set. It holds for what is submitted from now on."))


def _seconds(hours: str) -> float | None:
    """Read a form's hours; None for an empty field. Raises UnusableQuota."""
    if not hours:
        return None
    try:
        return float(hours) * 3600
    except ValueError:
        raise UnusableQuota(param="hours") from None


def _back(message: str) -> Any:
    flash(message, "done")
    return redirect(url_for(".all_people"), 303)
