"""Rules for addresses that somebody else chose.

A server is asked to call an address by people who cannot reach what it reaches: itself, its
neighbours, and the address at which a cloud hands out its keys.  So a name is resolved first, only
what is open to everybody is taken, and the connection goes to just that (`exchange`): a name that
leads elsewhere a moment later leads nowhere.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import quote, urljoin, urlsplit

from shared.outbound.errors import (
    AddressRefused,
    PlainHttpRefused,
    TooSlow,
    Unreachable,
    UnusableUrl,
)

LONGEST_URL = 2000
"""Characters."""

_ALSO_REFUSED = (
    ip_network("168.63.129.16/32"),  # Azure's own, from inside of its machines only
    ip_network("192.0.0.0/24"),  # of protocols; not all of it in every version of Python
    ip_network("64:ff9b:1::/48"),  # translation within a network, likewise
    ip_network("192.88.99.0/24"),  # relays from IPv6, long given up
    ip_network("240.0.0.0/4"),  # nobody's yet
    ip_network("fec0::/10"),  # of a site, as it was said before fc00::/7
)

_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """An address as it is asked."""

    scheme: str
    host: str
    """Host as it is looked up and stands in the certificate, in ASCII."""
    port: int
    path: str
    """Path with the query."""

    @property
    def authority(self) -> str:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Addresses that the operator permits beside the public ones."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    http: bool = False

    def read(self, url: str, *, param: str | None = None) -> Target:
        """The parts of an address. Raises UnusableUrl, or AddressRefused where it names a refused
        address in numbers; a name is looked up by `resolve` only."""
        target = _parts(url, param)
        if target.scheme == "http" and not self.http:
            raise PlainHttpRefused(param=param)
        try:
            named = ip_address(target.host)
        except ValueError:
            return target
        if not self.permits(named):
            raise AddressRefused(param=param)
        return target

    def read_from(self, base: Target, location: str) -> Target:
        """The parts of an address that `base` refers to. Raises as `read` does."""
        try:
            return self.read(urljoin(base.url, location))
        except ValueError:
            raise UnusableUrl from None

    def permits(self, address: IPv4Address | IPv6Address) -> bool:
        """Return whether a connection to an address is permitted."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self.networks):
            return True
        if any(address in network for network in _ALSO_REFUSED):
            return False
        is_open = address.is_global and not address.is_multicast
        return is_open and all(self.permits(inner) for inner in _within(address))

    def resolve(self, target: Target, *, timeout_s: float) -> list[str]:
        """The permitted addresses of a target, in numbers. Raises AddressRefused where it has none
        but others, TooSlow, or Unreachable where it has none at all."""
        found = _looked_up(target, timeout_s)
        permitted = [one for one in found if self.permits(ip_address(one))]
        if not permitted:
            raise AddressRefused
        return permitted


def _parts(url: str, param: str | None) -> Target:
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
        host = host.partition("%")[0] if ":" in host else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        raise UnusableUrl(param=param) from None
    is_whole = parts.scheme in _PORTS and host and port != 0
    if not is_whole or "@" in parts.netloc or len(url) > LONGEST_URL or not url.isprintable():
        raise UnusableUrl(param=param)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return Target(parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme], path)


def _within(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The addresses of IPv4 that one of IPv6 leads to."""
    if isinstance(address, IPv4Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _looked_up(target: Target, timeout_s: float) -> list[str]:
    found: list[str] = []
    problem: list[OSError] = []

    def look() -> None:
        try:
            for *_, place in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
                found.append(str(place[0]).partition("%")[0])
        except (OSError, UnicodeError) as error:
            problem.append(error if isinstance(error, OSError) else OSError(str(error)))

    # The resolver knows no time limit of ours; a thread that it keeps ends with it.
    thread = threading.Thread(target=look, name="resolver", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise TooSlow(f"The name {target.host} was not resolved in time.")
    if problem or not found:
        raise Unreachable(f"The name {target.host} cannot be resolved.")
    return list(dict.fromkeys(found))
