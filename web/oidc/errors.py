"""Errors of a sign-in by a provider. The message for people says no more than they may know; the
log has the reason."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError, TransientError


class ProviderUnavailable(TransientError):
    """The provider does not answer, or not in time."""

    code = "provider_unavailable"
    http_status = 503
    default_message = (
        "The sign-in service does not answer just now. Accounts with a password here work all the "
        "same; otherwise try again in a minute."
    )

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason
        """Reason for the log, in our own words."""


class ProviderNotBelieved(PermanentError):
    """Answer of the provider that does not fulfil OpenID Connect."""

    code = "provider_not_believed"
    http_status = 502
    default_message = (
        "What the sign-in service answered cannot be believed, so nobody was signed in. Try again; "
        "if it stays so, whoever runs this server finds the reason in its log."
    )

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason
        """Reason for the log, in words of ours: never a token, and nothing that was in one."""


class ProviderDeclined(PermanentError):
    """The provider sent the browser back with an error, such as `access_denied`."""

    code = "provider_declined"
    http_status = 403
    default_message = "The sign-in service did not sign you in. Try again, or ask whoever runs it."


class SignInNotBegun(InvalidRequest):
    """The answer belongs to no sign-in that this browser began in the last minutes."""

    code = "sign_in_not_begun"
    default_message = (
        "This sign-in was not begun in this browser, or too long ago. Begin it again here."
    )


class NotPermitted(PermanentError):
    """The provider knows the person, and they lack a group or claim."""

    code = "provider_account_not_permitted"
    http_status = 403
    default_message = (
        "The sign-in service knows you, but your account there may not use this server. Ask "
        "whoever runs it."
    )
