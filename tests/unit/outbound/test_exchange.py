"""A request goes to the address that was found permitted, in bounded time and size."""

from __future__ import annotations

import socket
import subprocess
import threading
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from shared.outbound.addresses import AddressRules
from shared.outbound.errors import AddressRefused, Stopped, TooSlow, Unreachable
from shared.outbound.exchange import Exchange
from tests.support.doubles.receiver import (
    LOOPBACK,
    Handler,
    answering,
    drip,
    garbage,
    receiver,
    stall,
)
from tests.support.stack import hold_port

RULES = AddressRules(networks=(ip_network(LOOPBACK),), http=True)


def asking(url: str, rules: AddressRules = RULES, timeout_s: float = 20.0) -> Exchange:
    return Exchange(rules.read(url), rules, timeout_s=timeout_s, silence_s=timeout_s)


def test_a_request_and_its_answer() -> None:
    with (
        receiver(answering(201, b"thanks")) as there,
        asking(there.url + "?a=1") as exchange,
    ):
        response = exchange.open("POST", headers={"X-One": "1"}, body=b"sent")
        assert (response.status, exchange.read(3), exchange.read(100)) == (201, b"tha", b"nks")
        assert exchange.read(100) == b""
        (came,) = there.received
        assert (came.path, came.body, came.headers["X-One"]) == ("/hook?a=1", b"sent", "1")
        assert came.headers["Host"] == f"127.0.0.1:{there.port}"


def test_a_name_is_looked_up_once_and_what_it_led_to_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        # A name that leads elsewhere a moment later, as an attacker's does.
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with receiver() as there:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with asking(f"http://changing.example:{there.port}/") as exchange:
            assert exchange.open("GET", headers={}).status == 204
        monkeypatch.undo()
        assert there.received[0].headers["Host"] == f"changing.example:{there.port}"
    assert looked_up == ["changing.example"]


def test_what_the_kernel_connected_to_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as there:
        rules = AddressRules(http=True)
        monkeypatch.setattr(AddressRules, "resolve", lambda *_, **__: ["127.0.0.1"])
        with (
            pytest.raises(AddressRefused),
            asking(f"http://example.org:{there.port}/", rules) as exchange,
        ):
            exchange.open("GET", headers={})
        assert there.received == []


@pytest.mark.parametrize("answer", [stall, drip])
def test_who_takes_too_long_is_left(answer: Any) -> None:
    with (
        receiver(answer) as there,
        asking(there.url, timeout_s=0.4) as exchange,
        pytest.raises(TooSlow),
    ):
        exchange.open("GET", headers={})


def test_a_body_that_never_ends_is_left() -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not handler.receiver.free.wait(0.02):
            handler.wfile.write(b"x")

    with receiver(endless) as there, asking(there.url, timeout_s=3) as exchange:
        exchange.open("GET", headers={})
        with pytest.raises(TooSlow):
            exchange.read(100_000)


def test_an_answer_that_breaks_off_is_no_end() -> None:
    def half(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        handler.close_connection = True

    with receiver(half) as there, asking(there.url) as exchange:
        exchange.open("GET", headers={})
        assert exchange.read(100) == b"half"
        with pytest.raises(Unreachable):
            exchange.read(100)


def test_garbage_and_nobody_there_are_told() -> None:
    with (
        receiver(garbage) as there,
        asking(there.url) as exchange,
        pytest.raises(Unreachable, match=r"127\.0\.0\.1"),
    ):
        exchange.open("GET", headers={})
    nobody = f"http://127.0.0.1:{hold_port()}/"
    with pytest.raises(Unreachable), asking(nobody) as exchange:
        exchange.open("GET", headers={})


def test_another_thread_ends_it() -> None:
    with receiver(stall) as there, asking(there.url) as exchange:
        thread = threading.Thread(target=lambda: (there.stalled.wait(60), exchange.stop()))
        thread.start()
        with pytest.raises(Stopped):
            exchange.open("GET", headers={})
        thread.join()


def test_a_certificate_is_checked_against_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext"]
    made += ["subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            for _ in range(3):
                plain, _address = listening.accept()
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        secure.recv(4096)
                        secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    plain.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with (
            pytest.raises(Unreachable, match=r"(?i)certificate"),
            asking(f"https://localhost:{port}/") as exchange,
        ):
            exchange.open("GET", headers={})
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with asking(f"https://localhost:{port}/") as exchange:
            assert exchange.open("GET", headers={}).status == 204
        with (
            pytest.raises(Unreachable, match=r"(?i)certificate"),
            asking(f"https://127.0.0.1:{port}/") as exchange,
        ):
            exchange.open("GET", headers={})
        thread.join(60)
