"""The HTTP client that a connection asks through, with what the environment says of the way."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import httpx2

from longscribe_client.errors import ClientError

_TIMEOUT = httpx2.Timeout(150, connect=15)
"""Seconds: the end of an upload may hash gigabytes."""


def open_client(
    url: httpx2.URL, headers: Mapping[str, str], transport: httpx2.BaseTransport | None
) -> httpx2.Client:
    """A client for the server at `url`, through the proxy that the environment names for it.

    A server on this machine is asked without one: what HTTP_PROXY or ALL_PROXY name for the way out
    mostly leads back to no 127.0.0.1, or to that of another machine.  The authorities that
    SSL_CERT_FILE and SSL_CERT_DIR name are trusted anywhere.  Raises ClientError where the
    environment names what cannot be used.
    """
    try:
        is_here = _is_this_machine(url.host)
        return httpx2.Client(
            headers=headers,
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=not is_here,
            verify=httpx2.create_ssl_context() if is_here and url.scheme == "https" else True,
        )
    except ImportError:
        raise ClientError(
            "ALL_PROXY, HTTPS_PROXY or HTTP_PROXY names a SOCKS proxy, which needs the package "
            "socksio: pip install socksio. Or list the server in NO_PROXY.",
            code="proxy_unusable",
        ) from None
    except (ValueError, OSError) as error:
        raise ClientError(
            f"What the environment says of proxies or certificates cannot be used ({error}). See "
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
            code="proxy_unusable",
        ) from None


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
