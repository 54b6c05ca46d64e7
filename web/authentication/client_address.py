"""The address for which wrong passwords of a client are counted, and the limit as configured."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

from shared import accounts
from web.services import services


def attempt_limit() -> accounts.AttemptLimit:
    settings = services().settings
    return accounts.AttemptLimit(settings.sign_in_attempts, settings.sign_in_window_s)


def address() -> str:
    """The address that failed sign-ins are counted for; of IPv6, its network of 64 bits."""
    given = request.remote_addr or ""
    try:
        parsed = ip_address(given.partition("%")[0])
    except ValueError:  # a socket has none
        return given
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
