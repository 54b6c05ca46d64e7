"""Errors of requests about webhooks."""

from __future__ import annotations

from shared.errors import PermanentError


class WebhookNotFound(PermanentError):
    code = "webhook_not_found"
    http_status = 404
    default_message = "There is no such webhook. It may have been deleted."


class DeliveryNotFound(PermanentError):
    code = "delivery_not_found"
    http_status = 404
    default_message = "There is no such delivery. Deliveries are kept for 14 days."


class TooManyWebhooks(PermanentError):
    code = "too_many_webhooks"
    http_status = 409
    default_message = "You have as many webhooks as one account may have. Delete one first."


class WebhooksForbidden(PermanentError):
    code = "webhooks_forbidden"
    http_status = 403
    default_message = "Whoever runs this server does not allow webhooks."


class WebhookDisabled(PermanentError):
    code = "webhook_disabled"
    http_status = 409
    default_message = "This webhook is switched off, so nothing is sent to it. Switch it on first."


class EarlierTestWaits(PermanentError):
    code = "test_waits"
    http_status = 409
    default_message = "An earlier test waits to be sent. Ask for another one once it was."


class TooManyTests(PermanentError):
    code = "too_many_tests"
    http_status = 429
    default_message = "Twenty tests were sent in the last hour. Try again later."
