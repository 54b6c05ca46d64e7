"""Texts of the pages about webhooks, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from shared.webhooks.log import Delivery
from shared.webhooks.types import TEST_TYPE, DeliveryState, DisabledReason, WebhookType
from web.i18n.languages import N_

TYPES: dict[str, str] = {
    WebhookType.SUBMITTED.value: N_("a job was submitted"),
    WebhookType.STARTED.value: N_("a worker began with it"),
    WebhookType.COMPLETED.value: N_("its transcript is there"),
    WebhookType.FAILED.value: N_("it failed"),
    WebhookType.CANCELLED.value: N_("it was cancelled"),
    WebhookType.RETRIED.value: N_("somebody had it tried again"),
    TEST_TYPE: N_("a test"),
}

DISABLED: dict[DisabledReason, str] = {
    DisabledReason.OWNER: N_("You have switched it off."),
    DisabledReason.FAILING: N_(
        "It was switched off because for days no delivery succeeded. The deliveries below say why."
    ),
    DisabledReason.GONE: N_(
        "It was switched off because its address answered 410: it wants nothing more."
    ),
    DisabledReason.HANDED_OVER: N_(
        "It was switched off because it came with recordings that were handed over to you. Look "
        "whose address it is before you switch it on."
    ),
    DisabledReason.ACCOUNT_DISABLED: N_("It was switched off when your account was disabled."),
}

_PROBLEMS = {
    "refused": N_("the answer was no success"),
    "redirected": N_("it sends us elsewhere, and redirects are not followed"),
    "too_slow": N_("no answer in time"),
    "unreachable": N_("it could not be reached"),
    "address_refused": N_("its name leads into a private network"),
    "https_required": N_("http:// is not permitted on this server"),
    "unusable_url": N_("the address cannot be used"),
}


def type_text(type_: str) -> str:
    return _(TYPES[type_]) if type_ in TYPES else type_


def disabled_text(reason: DisabledReason | None) -> str:
    return _(DISABLED[reason or DisabledReason.OWNER])


def outcome_text(delivery: Delivery) -> str:
    """State of a delivery, as text."""
    problem = delivery.problem
    why = _(_PROBLEMS[problem]) if problem in _PROBLEMS else problem or ""
    if delivery.state is DeliveryState.DELIVERED:
        return _("delivered")
    if delivery.state is DeliveryState.FAILED:
        return _("given up: %(why)s", why=why)
    is_tried = problem and delivery.attempts  # sent again by hand it begins anew
    return _("to be tried again: %(why)s", why=why) if is_tried else _("waiting")
