"""The head of a request as the loop sees it, before a thread and gunicorn's parser do.

It decides where a request waits and whose it is, and nothing else: what is wrong with a head is
left to the parser, which refuses it without waiting for more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

MOST_HEAD_BYTES = 64 * 1024

SMALL_BODY_BYTES = 16 * 1024
"""A body up to this is gathered before a thread is asked for."""

_MOST_DIGITS = 18
"""Digits of a length at most; one of thousands is beyond what int() takes, and large enough by its
first."""

_BARE_LF = re.compile(rb"(?<!\r)\n")

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")

_TRANSFERS = (
    ({"POST"}, re.compile(r"/|.*/api/v1/jobs(/transcripts)?|.*/jobs/selected")),
    ({"POST"}, re.compile(r".*/v1/audio/transcriptions|.*/v2/upload")),
    ({"POST", "PATCH"}, re.compile(r".*/api/v1/uploads/[^/]+")),
    ({"GET"}, re.compile(r".*/api/v1/jobs/[^/]+/(audio|transcript|report)")),
    ({"GET"}, re.compile(r".*/v2/transcript/[^/]+(/.*)?|.*/api/v1/tasks/[^/]+/transcription")),
    ({"GET"}, re.compile(r".*/s/[^/]+/audio")),
    ({"GET"}, re.compile(r".*/api/v1/me/data|.*/audit/export")),
    ({"POST"}, re.compile(r".*/account/data/export")),
)
"""Methods and paths of requests that move recordings or long texts, whatever their length says."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Facts about a request that the loop needs.

    `size` counts the bytes of the head, `body_size` those of a body that the loop gathers.
    """

    size: int
    body_size: int
    is_transfer: bool
    forwarded_for: tuple[str, ...]


def head_size(received: bytes | bytearray) -> int | None:
    """Count the bytes of the head at the beginning of `received`; None while it is incomplete.

    A head that the parser refuses as it stands, for a line that ends without CR, is complete.
    """
    begin = 2 if received[:2] == b"\r\n" else 0  # one empty line before the request is allowed
    end = received.find(b"\r\n\r\n", begin)
    if end >= 0:
        return end + 4
    if received[begin : begin + 2] == b"\r\n" or _BARE_LF.search(received):
        return len(received)
    return None


def escape_target(received: bytearray, size: int) -> int:
    """Percent-encode what of the address in a complete head is not ASCII; return the head's size.

    curl and scripts send an address as it was typed, `?q=预算`, and the parser refuses that.
    """
    begin = 2 if received[:2] == b"\r\n" else 0
    end = received.find(b"\r\n", begin)
    method, space, rest = bytes(received[begin : max(end, begin)]).partition(b" ")
    if rest.isascii():
        return size
    escaped = _BEYOND_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], rest)
    received[begin:end] = method + space + escaped
    return size + len(escaped) - len(rest)


def read_head(head: bytes) -> RequestHead:
    """Read a complete head, whether or not it is well-formed."""
    request_line, *fields = head.decode("latin-1").lstrip("\r\n").split("\r\n")
    method, _, rest = request_line.partition(" ")
    lengths: list[str] = []
    forwarded: list[str] = []
    unknown_length = False
    for field in fields:
        name, _, value = field.partition(":")
        match name.strip().lower():
            case "content-length":
                lengths.append(value.strip())
            case "transfer-encoding" | "expect":  # who expects to be asked sends the body later
                unknown_length = True
            case "x-forwarded-for":
                forwarded += [address.strip() for address in value.split(",")]
    # Several, or no number: the parser refuses the request before it reads a body.
    is_told = len(lengths) == 1 and lengths[0].isdecimal()
    length = int("0" + lengths[0].lstrip("0")[:_MOST_DIGITS]) if is_told else 0
    is_transfer = unknown_length or length > SMALL_BODY_BYTES or _is_transfer(method, rest)
    return RequestHead(
        size=len(head),
        body_size=0 if is_transfer else length,
        is_transfer=is_transfer,
        forwarded_for=tuple(forwarded),
    )


def client_address(head: RequestHead, peer: str, *, proxies: int) -> str:
    """Name whose request it is, for counting: an address, of IPv6 the network of 64 bits.

    Behind `proxies` it is the one that the outermost of them saw. Empty where nobody knows: what
    comes through a unix socket without it.
    """
    if proxies and len(head.forwarded_for) >= proxies:
        peer = head.forwarded_for[-proxies]
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False))


def _is_transfer(method: str, rest: str) -> bool:
    target = rest.partition(" ")[0]
    try:
        path = unquote(urlsplit(target).path if "://" in target else target.partition("?")[0])
    except ValueError:
        return False
    return any(method in methods and paths.fullmatch(path) for methods, paths in _TRANSFERS)
