"""/api/v1/webhooks: where events of one's jobs are sent."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel

from shared.webhooks import hooks
from shared.webhooks.errors import WebhooksForbidden
from shared.webhooks.hooks import Hook, HookSettings
from shared.webhooks.log import deliveries_of
from shared.webhooks.types import WebhookType
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.authentication.owner import current_owner_id
from web.services import services
from web.webhooks.schemas import (
    DeliveryListOut,
    DeliveryQuery,
    WebhookChangeIn,
    WebhookIn,
    WebhookListOut,
    WebhookOut,
    WebhookWithSecretOut,
    delivery_out,
    webhook_out,
    webhook_with_secret_out,
)

blueprint = APIBlueprint("webhooks", __name__, url_prefix="/api/v1/webhooks")


def are_allowed() -> bool:
    return services().settings.webhooks == "allowed"


def require_allowed() -> None:
    """Check that webhooks are allowed. Raises WebhooksForbidden where the operator lets nothing be
    sent."""
    if not are_allowed():
        raise WebhooksForbidden


def site_url() -> str:
    """The address at which this server is reached by who sends this request."""
    return request.url_root.rstrip("/")


def add(wanted: HookSettings) -> tuple[Hook, str]:
    """Add a webhook of whoever asks; it and its secret. Raises WebhooksForbidden and what
    `hooks.add_hook` raises."""
    require_allowed()
    here = services()
    return hooks.add_hook(
        here.db,
        here.settings.outbound_rules,
        owner_id=current_owner_id(),
        wanted=wanted,
        site_url=site_url(),
    )


def change(webhook_id: UUID, wanted: HookSettings, *, enabled: bool) -> Hook:
    """Change one, likewise."""
    here = services()
    return hooks.change_hook(
        here.db,
        here.settings.outbound_rules,
        owner_id=current_owner_id(),
        webhook_id=str(webhook_id),
        wanted=wanted,
        enabled=enabled,
        site_url=site_url(),
    )


def _answer(shown: BaseModel, status: int = 200) -> Response:
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = status
    return response


@blueprint.get("")
@blueprint.output(WebhookListOut)
def list_webhooks() -> Response:
    """List your webhooks, oldest first."""
    found = hooks.hooks_of(services().db, current_owner_id())
    return _answer(WebhookListOut(webhooks=[webhook_out(one) for one in found]))


@blueprint.post("")
@blueprint.output(WebhookWithSecretOut, 201)
@blueprint.doc(responses=[409, 422])
@completed_by(operations.json_body(WebhookIn))
def create_webhook() -> Response:
    """Have events of your jobs posted to an address, signed by Standard Webhooks.

    The answer has the secret, which is not told again.
    """
    given = parse_json(WebhookIn)
    wanted = HookSettings(given.url, given.description, _types(given.types), given.with_text)
    response = _answer(webhook_with_secret_out(*add(wanted)), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<uuid:webhook_id>")
@blueprint.output(WebhookOut)
def get_webhook(webhook_id: UUID) -> Response:
    """Ask for one of your webhooks."""
    found = hooks.get_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    return _answer(webhook_out(found))


@blueprint.patch("/<uuid:webhook_id>")
@blueprint.output(WebhookOut)
@blueprint.doc(responses=[422])
@completed_by(operations.json_body(WebhookChangeIn))
def change_webhook(webhook_id: UUID) -> Response:
    """Change a webhook, or switch it off or on. Switched on, it begins anew."""
    given = parse_json(WebhookChangeIn)
    now = hooks.get_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    wanted = HookSettings(
        url=now.url if given.url is None else given.url,
        description=now.description if given.description is None else given.description,
        types=_types(given.types) if "types" in given.model_fields_set else now.types,
        with_text=now.with_text if given.with_text is None else given.with_text,
    )
    enabled = now.disabled_at is None if given.enabled is None else given.enabled
    return _answer(webhook_out(change(webhook_id, wanted, enabled=enabled)))


@blueprint.delete("/<uuid:webhook_id>")
@blueprint.output({}, 204)
def end_webhook(webhook_id: UUID) -> Response:
    """Delete a webhook, what waits for it, and its log."""
    hooks.delete_hook(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    return Response(status=204)


@blueprint.post("/<uuid:webhook_id>/secret")
@blueprint.output(WebhookWithSecretOut)
def replace_webhook_secret(webhook_id: UUID) -> Response:
    """Replace the secret. For a day deliveries are signed with the one before too."""
    owner_id = current_owner_id()
    secret = hooks.replace_secret(services().db, owner_id=owner_id, webhook_id=str(webhook_id))
    found = hooks.get_hook(services().db, owner_id=owner_id, webhook_id=str(webhook_id))
    response = _answer(webhook_with_secret_out(found, secret))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/<uuid:webhook_id>/test")
@blueprint.output({}, 202)
@blueprint.doc(responses=[409, 429])
def test_webhook(webhook_id: UUID) -> Response:
    """Have a test sent, now and once. The deliveries tell what came of it."""
    require_allowed()
    hooks.send_test(services().db, owner_id=current_owner_id(), webhook_id=str(webhook_id))
    return Response(status=202)


@blueprint.get("/<uuid:webhook_id>/deliveries")
@blueprint.output(DeliveryListOut)
@takes_query(DeliveryQuery)
def list_deliveries(webhook_id: UUID) -> Response:
    """List what was sent to a webhook and what waits to be, newest first, of the last 14 days."""
    query = parse(DeliveryQuery, request.args)
    found = deliveries_of(
        services().db,
        owner_id=current_owner_id(),
        webhook_id=str(webhook_id),
        most=query.limit + 1,
        before=query.before,
    )
    shown = found[: query.limit]
    return _answer(
        DeliveryListOut(
            deliveries=[delivery_out(one) for one in shown],
            next_before=shown[-1].id if len(found) > len(shown) else None,
        )
    )


@blueprint.post("/<uuid:webhook_id>/deliveries/<int:delivery_id>/send")
@blueprint.output({}, 202)
@blueprint.doc(responses=[409])
def send_delivery(webhook_id: UUID, delivery_id: int) -> Response:
    """Have a delivery sent again, under the id that it had."""
    require_allowed()
    hooks.send_again(
        services().db,
        owner_id=current_owner_id(),
        webhook_id=str(webhook_id),
        delivery_id=min(delivery_id, 2**63 - 1),
    )
    return Response(status=202)


def _types(given: Sequence[str] | None) -> tuple[WebhookType, ...] | None:
    return None if given is None else tuple(WebhookType(one) for one in given)
