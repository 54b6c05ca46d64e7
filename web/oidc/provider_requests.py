"""Requests to a provider, with limits on their time and on the size of the answer.

A provider may be in a private network: the operator named it, and not whoever signs in, so its
address is not held against LONGSCRIBE_OUTBOUND_NETWORKS. No redirect is followed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from shared.outbound.addresses import AddressRules
from shared.outbound.errors import AddressRefused, Unreachable, UnusableUrl
from shared.outbound.exchange import Exchange
from shared.strict_json import read_json
from web.oidc.errors import ProviderNotBelieved, ProviderUnavailable

_ERROR_CODE = re.compile(r"[a-z0-9_]{1,40}")

TIMEOUT_S = 8.0
"""The longest time for one request as a whole."""

LARGEST_ANSWER = 512 * 1024
"""Bytes. A large provider's keys and metadata take some 20 kB."""

_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def ask_json(
    url: str,
    *,
    what: str,
    http: bool,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> dict[str, Any]:
    """Send a request and read its answer, an object in JSON.

    `what` names it for the log, and `http` permits http://. Raises ProviderUnavailable where there
    is no answer, one that came too late, or one that says that the provider is out of order, and
    ProviderNotBelieved where it is anything else but a success with an object.
    """
    rules = AddressRules(networks=_ANYWHERE, http=http)
    asked = {"Accept": "application/json", **(headers or {})}
    content = bytearray()
    try:
        target = rules.read(url)
        with Exchange(target, rules, timeout_s=TIMEOUT_S, silence_s=TIMEOUT_S) as exchange:
            response = exchange.open(method, headers=asked, body=body)
            if response.status >= 500 or response.status == 429:
                raise ProviderUnavailable(f"{what}: HTTP {response.status}")
            while some := exchange.read(64 * 1024):
                content += some
                if len(content) > LARGEST_ANSWER:
                    raise ProviderNotBelieved(f"{what}: more than {LARGEST_ANSWER} bytes")
    except UnusableUrl:
        raise ProviderNotBelieved(f"{what}: its address cannot be used") from None
    except (Unreachable, AddressRefused) as error:
        raise ProviderUnavailable(f"{what}: {error.message}") from None
    try:
        value = read_json(bytes(content))
    except ValueError:
        value = None
    if response.status != 200:
        said = error_code(value.get("error")) if isinstance(value, dict) else ""
        raise ProviderNotBelieved(f"{what}: HTTP {response.status} {said}".rstrip())
    if not isinstance(value, dict):
        raise ProviderNotBelieved(f"{what}: no object in JSON")
    return value


def error_code(value: object) -> str:
    """An error of OAuth such as `invalid_client`, if it is one; else an empty text, so that a log
    quotes nothing else of what a provider or a browser sends."""
    return value if isinstance(value, str) and _ERROR_CODE.fullmatch(value) else ""
