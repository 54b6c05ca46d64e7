"""Which addresses may be asked that somebody else chose."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from shared.outbound.addresses import AddressRules
from shared.outbound.errors import (
    AddressRefused,
    PlainHttpRefused,
    TooSlow,
    Unreachable,
    UnusableUrl,
)

RULES = AddressRules()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",  # where clouds hand out keys
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
    ],
)
def test_what_is_not_open_to_everybody_is_refused(address: str) -> None:
    assert not RULES.permits(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_what_is_open_to_everybody_is_permitted(address: str) -> None:
    assert RULES.permits(ip_address(address))


def test_a_network_that_the_operator_names_is_permitted_and_no_other() -> None:
    rules = AddressRules(networks=(ip_network("10.1.0.0/16"), ip_network("fd00::/64")))
    assert rules.permits(ip_address("10.1.2.3"))
    assert rules.permits(ip_address("::ffff:10.1.2.3"))
    assert rules.permits(ip_address("fd00::7"))
    assert not rules.permits(ip_address("10.2.0.1"))
    assert not rules.permits(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/a",
        "//example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:secret@example.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/a\r\nHost: other",
        "https://exa mple.org:x/",
        "https://[::1/",
        "https://" + "a" * 64 + ".example/",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_what_is_no_whole_address_is_refused(url: str) -> None:
    with pytest.raises(UnusableUrl):
        RULES.read(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]:8000/",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1./",
    ],
)
def test_a_refused_address_in_numbers_is_refused_at_once(url: str) -> None:
    with pytest.raises((AddressRefused, UnusableUrl)):
        RULES.read(url)


def test_https_unless_the_operator_says_otherwise() -> None:
    with pytest.raises(PlainHttpRefused):
        RULES.read("http://example.org/a")
    assert AddressRules(http=True).read("http://example.org/a").port == 80


def test_an_address_is_read_into_its_parts() -> None:
    target = RULES.read("HTTPS://Bücher.example:8443/录音 1.mp3?a=b c#end")
    assert target.host == "xn--bcher-kva.example"
    assert target.authority == "xn--bcher-kva.example:8443"
    assert target.path == "/%E5%BD%95%E9%9F%B3%201.mp3?a=b%20c"
    assert RULES.read("https://example.org").path == "/"
    assert RULES.read("https://[2606:4700::1111]/a").authority == "[2606:4700::1111]"
    assert RULES.read("https://example.org/a%20b").path == "/a%20b"


def test_a_reference_is_read_like_an_address() -> None:
    base = RULES.read("https://example.org/folder/a")
    assert RULES.read_from(base, "../b?c").url == "https://example.org/b?c"
    assert RULES.read_from(base, "https://other.example/d").host == "other.example"
    for location in ("http://example.org/", "https://127.0.0.1/", "file:///etc/passwd"):
        with pytest.raises((UnusableUrl, AddressRefused)):
            RULES.read_from(base, location)


def _answer(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_of_a_name_only_permitted_addresses_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    target = RULES.read("https://example.org/")
    _answer(monkeypatch, "10.0.0.1", "93.184.216.34", "93.184.216.34", "fe80::1%eth0")
    assert RULES.resolve(target, timeout_s=5) == ["93.184.216.34"]
    _answer(monkeypatch, "10.0.0.1", "::1")
    with pytest.raises(AddressRefused):
        RULES.resolve(target, timeout_s=5)
    _answer(monkeypatch)
    with pytest.raises(Unreachable, match=r"example\.org"):
        RULES.resolve(target, timeout_s=5)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
def test_other_spellings_of_this_machine_are_refused_once_resolved(host: str) -> None:
    target = RULES.read(f"https://{host}/")
    with pytest.raises((AddressRefused, Unreachable)):
        RULES.resolve(target, timeout_s=5)


def test_a_resolver_that_does_not_answer_is_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    free = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        free.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(TooSlow):
        RULES.resolve(RULES.read("https://example.org/"), timeout_s=0.05)
    free.set()
