"""Who is waited for, and for how long."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from web.serving import client_socket
from web.serving.client_socket import ClientSocket
from web.serving.slow_client_limits import PACE_OVER_S, Pace, Patience
from web.serving.transfers import Transfers


@pytest.fixture
def ends() -> Iterator[tuple[ClientSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ClientSocket(ours, Patience(silence_s=0.05, least_bytes_s=0)) as made, theirs:
        yield made, theirs


def test_a_trickle_is_ended_and_a_slow_line_is_not() -> None:
    slow = Pace(1000)
    for _ in range(200):
        slow.note(1000, 1.0)
    trickle = Pace(1000)
    with pytest.raises(TimeoutError):
        for _ in range(round(PACE_OVER_S) + 1):
            trickle.note(999, 1.0)


def test_time_that_nobody_waited_does_not_count() -> None:
    pace = Pace(1000)
    for _ in range(1000):
        pace.note(1, 0.0)


def test_reading_and_writing_end_when_nothing_moves(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    ours, _ = ends
    ours.setblocking(True)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    with pytest.raises(TimeoutError):
        ours.sendall(bytes(8 * 2**20))


def test_what_is_not_taken_at_once_is_kept_in_order(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    ours, theirs = ends
    ours.setblocking(True)
    ours.keeps_unsent = True
    pieces = [bytes([number]) * 300_000 for number in range(5)]
    for piece in pieces:
        ours.sendall(piece)
    assert ours.unsent_bytes > 0
    received = bytearray()
    while len(received) < sum(map(len, pieces)):
        received += theirs.recv(2**20)
        ours.send_unsent()
    assert bytes(received) == b"".join(pieces)
    assert ours.unsent_bytes == 0


def test_no_more_is_kept_than_the_limit(
    ends: tuple[ClientSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 8 * 2**20
    monkeypatch.setattr(client_socket, "MOST_UNSENT_BYTES", most)
    ours, _ = ends
    ours.setblocking(True)
    ours.keeps_unsent = True
    with pytest.raises(TimeoutError):
        for _ in range(10):
            ours.sendall(bytes(most // 4))


def test_one_address_gets_three_quarters_of_the_transfers() -> None:
    transfers = Transfers(8)
    assert [transfers.admit("192.0.2.1") for _ in range(7)] == [True] * 6 + [False]
    assert [transfers.admit("192.0.2.2") for _ in range(3)] == [True, True, False]
    transfers.release("192.0.2.1")
    assert transfers.admit("")
    assert not transfers.admit("")
