"""The page of notifications, which works with forms alone."""

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
from shared.notifications import mail_address, push
from shared.notifications.errors import MailNotSetUp, PushNotSetUp
from shared.notifications.vapid import application_server_key
from shared.webhooks.types import WebhookType
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import current_credential
from web.errors import localised_error
from web.i18n.languages import N_, current_language
from web.notifications.browser_name import browser_name
from web.services import services
from web.webhooks.api import site_url

page = Blueprint("notifications", __name__, url_prefix="/notifications")

CHOICES: dict[str, str] = {
    WebhookType.COMPLETED.value: N_("when a transcript is ready"),
    WebhookType.FAILED.value: N_("when a recording could not be transcribed"),
}


def _shown(status: int = 200, **context: Any) -> Response:
    here = services()
    html = render_template(
        "notifications/notifications.html",
        sends_mail=here.settings.sends_mail,
        mail=mail_address.mail_of(here.db, current_owner_id()),
        choices=CHOICES,
        browsers=push.browsers_of(here.db, current_owner_id()),
        push_key=application_server_key(here.db) if here.settings.sends_pushes else None,
        **context,
    )
    return make_response(html, status)


@page.get("")
def notifications() -> Response:
    return _shown()


@page.post("/mail")
def save_mail() -> Any:
    _require_mail()
    address = request.form.get("address", "")
    types = {one for one in mail_address.CHOICES if one.value in request.form.getlist("types")}
    try:
        is_sent = mail_address.set_mail(
            services().db,
            owner_id=current_owner_id(),
            address=address,
            types=types,
            language=current_language(),
            site_url=site_url(),
            again=request.form.get("do") == "again",
        )
    except LongscribeError as error:
        return _shown(
            error.http_status, problem=localised_error(error), address=address, types=types
        )
    if is_sent:
        flash(_("A link is on its way to that address. Nothing else is sent until it is opened."))
    else:
        flash(_("It is saved."), "done")
    return redirect(url_for(".notifications"), 303)


@page.post("/mail/remove")
def remove_mail() -> Any:
    mail_address.remove_mail(services().db, owner_id=current_owner_id())
    flash(_("The address is removed: no mail is sent any more."), "done")
    return redirect(url_for(".notifications"), 303)


@page.get("/mail/confirm/<token>")
def ask_to_confirm(token: str) -> str:
    """Ask, for programs that look at mails open every link in them."""
    address = mail_address.address_to_confirm(
        services().db, owner_id=current_owner_id(), token=token
    )
    return render_template("notifications/confirm.html", address=address, token=token)


@page.post("/mail/confirm/<token>")
def confirm(token: str) -> Any:
    address = mail_address.confirm(services().db, owner_id=current_owner_id(), token=token)
    flash(_("%(address)s is confirmed.", address=address), "done")
    return redirect(url_for(".notifications"), 303)


@page.post("/browsers")
def add_browser() -> Any:
    """Take the subscription of the browser that asks, from our own script."""
    here = services()
    if not here.settings.sends_pushes:
        raise PushNotSetUp
    credential = current_credential()
    push.add_browser(
        here.db,
        here.settings.outbound_rules,
        push.Subscription(
            request.form.get("endpoint", ""),
            request.form.get("p256dh", ""),
            request.form.get("auth", ""),
        ),
        owner_id=current_owner_id(),
        sign_in_sha256=None if credential is None else credential.sha256,
        name=browser_name(request.headers.get("User-Agent", "")),
        language=current_language(),
        site_url=site_url(),
    )
    return {}, 201


@page.post("/browsers/<uuid:browser_id>/remove")
def remove_browser(browser_id: UUID) -> Any:
    push.remove_browser(services().db, owner_id=current_owner_id(), browser_id=str(browser_id))
    flash(_("You are no longer told in that browser."), "done")
    return redirect(url_for(".notifications"), 303)


@page.post("/browsers/<uuid:browser_id>/test")
def send_test(browser_id: UUID) -> Any:
    push.send_test(services().db, owner_id=current_owner_id(), browser_id=str(browser_id))
    flash(_("A test is on its way to that browser."), "done")
    return redirect(url_for(".notifications"), 303)


def _require_mail() -> None:
    if not services().settings.sends_mail:
        raise MailNotSetUp
