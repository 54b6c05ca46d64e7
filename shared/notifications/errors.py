"""Errors of mail addresses and browsers for notifications."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError


class UnusableMailAddress(InvalidRequest):
    code = "unusable_mail_address"
    http_status = 422
    default_message = "This is no mail address that can be used. Give one such as ann@example.org."


class TooManyConfirmations(PermanentError):
    code = "too_many_confirmations"
    http_status = 429
    default_message = "Five links were sent in the last 24 hours. Try again tomorrow."


class WrongConfirmation(PermanentError):
    code = "wrong_confirmation"
    http_status = 404
    default_message = (
        "This link confirms no address of yours. It holds for 24 hours, and only the newest one "
        "does; sign in with the account that asked for it, or have another one sent."
    )


class UnusableSubscription(InvalidRequest):
    code = "unusable_subscription"
    http_status = 422
    default_message = "The browser gave keys that cannot be used for pushes."


class TooManyBrowsers(PermanentError):
    code = "too_many_browsers"
    http_status = 409
    default_message = "You are told in as many browsers as one account may be. Remove one first."


class PushNotSetUp(PermanentError):
    code = "push_not_set_up"
    http_status = 403
    default_message = "Whoever runs this server has not set up notifications in browsers."


class MailNotSetUp(PermanentError):
    code = "mail_not_set_up"
    http_status = 403
    default_message = "Whoever runs this server has set up no mail server."
