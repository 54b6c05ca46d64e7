"""Errors by which nothing was sent to an address, or nothing came back."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError, TransientError


class UnusableUrl(InvalidRequest):
    """Text that is no address to which a request could be sent."""

    code = "unusable_url"
    http_status = 422
    default_message = (
        "This is no address that can be used here. Give a whole one, such as "
        "https://example.org/recording.mp3, without user name and password."
    )


class PlainHttpRefused(UnusableUrl):
    code = "https_required"
    default_message = (
        "This address begins with http://, which everybody on the way can read. Use https://, or "
        "ask the operator for LONGSCRIBE_OUTBOUND_HTTP=allowed."
    )


class AddressRefused(PermanentError):
    """The address leads into a network that is not for everybody."""

    code = "address_refused"
    http_status = 422
    default_message = (
        "This address leads to this machine or into a private network, where nothing is sent. The "
        "operator can permit a network with LONGSCRIBE_OUTBOUND_NETWORKS."
    )


class Unreachable(TransientError):
    code = "unreachable"
    http_status = 502
    default_message = "The address does not answer."


class TooSlow(Unreachable):
    code = "too_slow"
    default_message = "The address did not answer in time."


class Stopped(Exception):
    """The exchange was ended by `Exchange.stop`."""
