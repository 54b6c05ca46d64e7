"""The pages of webhooks, which work with forms alone."""

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
from shared.webhooks import hooks
from shared.webhooks.hooks import HookSettings
from shared.webhooks.log import deliveries_of
from shared.webhooks.retention import KEPT_DAYS
from shared.webhooks.types import WebhookType
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.http.repeated_forms import is_sent_again
from web.services import services
from web.webhooks import api
from web.webhooks.texts import TYPES, disabled_text, outcome_text, type_text

page = Blueprint("webhooks_page", __name__, url_prefix="/webhooks")

_SHOWN = 50


def _listed(status: int = 200, **context: Any) -> Response:
    html = render_template(
        "webhooks/webhooks.html",
        allowed=api.are_allowed(),
        hooks=hooks.hooks_of(services().db, current_owner_id()),
        types=TYPES,
        choices=[one.value for one in WebhookType],
        disabled_text=disabled_text,
        **context,
    )
    return make_response(html, status)


def _shown(webhook_id: UUID, status: int = 200, **context: Any) -> Response:
    owner_id = current_owner_id()
    of_hook: dict[str, Any] = {"owner_id": owner_id, "webhook_id": str(webhook_id)}
    html = render_template(
        "webhooks/webhook.html",
        hook=hooks.get_hook(services().db, **of_hook),
        deliveries=deliveries_of(services().db, **of_hook, most=_SHOWN),
        allowed=api.are_allowed(),
        types=TYPES,
        choices=[one.value for one in WebhookType],
        kept_days=KEPT_DAYS,
        disabled_text=disabled_text,
        outcome_text=outcome_text,
        type_text=type_text,
        **context,
    )
    response = make_response(html, status)
    if "secret" in context:
        response.headers["Cache-Control"] = "no-store"
    return response


def _wanted() -> HookSettings:
    chosen = [one for one in WebhookType if one.value in request.form.getlist("types")]
    return HookSettings(
        url=request.form.get("url", ""),
        description=request.form.get("description", ""),
        types=tuple(chosen) if 0 < len(chosen) < len(WebhookType) else None,
        with_text=request.form.get("with_text") == "yes",
    )


@page.get("")
def all_webhooks() -> Response:
    return _listed()


@page.post("")
def add() -> Any:
    if is_sent_again():
        return _done_already(url_for(".all_webhooks"))
    wanted = _wanted()
    try:
        hook, secret = api.add(wanted)
    except LongscribeError as error:
        return _listed(error.http_status, problem=localised_error(error), wanted=wanted)
    return _shown(UUID(hook.id), 201, secret=secret)


@page.get("/<uuid:webhook_id>")
def webhook(webhook_id: UUID) -> Response:
    return _shown(webhook_id)


@page.post("/<uuid:webhook_id>")
def change(webhook_id: UUID) -> Any:
    now = hooks.get_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    do = request.form.get("do", "save")
    is_switch = do in ("on", "off")
    wanted = (
        HookSettings(now.url, now.description, now.types, now.with_text) if is_switch else _wanted()
    )
    enabled = do == "on" if is_switch else now.disabled_at is None
    try:
        api.change(webhook_id, wanted, enabled=enabled)
    except LongscribeError as error:
        return _shown(webhook_id, error.http_status, problem=localised_error(error))
    flash(
        {
            "on": _("It is switched on: events from now on are sent."),
            "off": _("It is switched off: nothing is sent any more."),
        }.get(do, _("The webhook is changed.")),
        "done",
    )
    return _back(webhook_id)


@page.post("/<uuid:webhook_id>/delete")
def delete(webhook_id: UUID) -> Any:
    hooks.delete_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    flash(_("The webhook is deleted."), "done")
    return redirect(url_for(".all_webhooks"), 303)


@page.get("/<uuid:webhook_id>/secret")
def back_to_webhook(webhook_id: UUID) -> Any:
    """Redirect those who return to a page on which a secret was shown."""
    hooks.get_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    return _back(webhook_id)


@page.post("/<uuid:webhook_id>/secret")
def replace_secret(webhook_id: UUID) -> Any:
    if is_sent_again():
        return _done_already(url_for(".webhook", webhook_id=webhook_id))
    secret = hooks.replace_secret(
        services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id)
    )
    return _shown(webhook_id, secret=secret)


@page.post("/<uuid:webhook_id>/test")
def test(webhook_id: UUID) -> Any:
    api.require_allowed()
    hooks.send_test(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    flash(_("A test is on its way. Load this page again to see what came of it."), "done")
    return _back(webhook_id)


@page.post("/<uuid:webhook_id>/deliveries/<int:delivery_id>/send")
def send_again(webhook_id: UUID, delivery_id: int) -> Any:
    api.require_allowed()
    hooks.send_again(
        services().db,
        owner_id=current_owner_id(),
        webhook_id=str(webhook_id),
        delivery_id=min(delivery_id, 2**63 - 1),
    )
    flash(_("It is sent again. Load this page again to see what came of it."), "done")
    return _back(webhook_id)


def _done_already(address: str) -> Any:
    flash(_("That was done already. What was shown then is shown once only."), "done")
    return redirect(address, 303)


def _back(webhook_id: UUID) -> Any:
    return redirect(url_for(".webhook", webhook_id=webhook_id), 303)
