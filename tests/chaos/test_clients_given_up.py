"""Clients that the server gives up, once they have had their time, and what is kept of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.stack import Stack, wait_for
from tests.support.web import tus_client
from tests.support.web.slow_clients import HALF_HEAD, SlowClients, read_answer
from tests.support.web.web_site import serving
from web.serving.slow_client_limits import PACE_OVER_S, REQUEST_S

HALF_FORM = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nusername="
EACH = 40


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with serving(tmp_path) as made:
        yield made


def test_half_requests_are_answered_when_their_time_is_over(stack: Stack) -> None:
    with SlowClients(stack.port) as clients:
        lines = [clients.connect(sent) for sent in (HALF_HEAD, HALF_FORM)]
        for line in lines:
            line.settimeout(2 * REQUEST_S + 10)
            assert read_answer(line)[0] == 408
            assert line.recv(1) == b""


def test_a_trickle_is_ended_and_what_came_of_it_is_kept(stack: Stack) -> None:
    upload = tus_client.Upload.begin(stack.url, 10**6)
    with upload.open_patch(0, 10**6) as line:
        sent = 0
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 3 * PACE_OVER_S:
                line.sendall(b"x")
                sent += 1
                time.sleep(0.1)
    wait_for(lambda: upload.append(0, b"").status_code != 423, what="the writer to let go")
    assert 0.9 * sent - 30 <= upload.offset() <= sent


def test_forty_of_each_kind_at_once_leave_the_server_to_others(stack: Stack) -> None:
    sound = bytes(8 * 2**20)
    job = requests.post(f"{stack.url}/api/v1/jobs", files={"file": ("周会.wav", sound)}, timeout=60)
    path = job.json()["links"]["self"]
    with SlowClients(stack.port) as clients:
        clients.half_heads(EACH)
        uploads = clients.slow_uploads(EACH)
        readers = clients.stalled_readers(EACH, f"{path}/audio")
        until = time.monotonic() + REQUEST_S
        while time.monotonic() < until:
            for asked in ("/healthz", path, "/"):
                assert requests.get(f"{stack.url}{asked}", timeout=10).status_code == 200
        for line in uploads:
            line.setblocking(False)
            with pytest.raises(BlockingIOError):  # neither answered nor closed: it goes on
                line.recv(1)
        for line in readers:
            assert line.recv(12) == b"HTTP/1.1 200"
