"""Requests that wait for their transcripts, at a server with one thread for all others."""

from __future__ import annotations

import io
import json
import select
import signal
import socket
import struct
from collections.abc import Iterator

import pytest
import requests

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from tests.support import factories
from tests.support.stack import Stack, wait_for
from tests.support.web.slow_clients import SlowClients, error_code, get, read_answer
from tests.support.web.web_site import serving

MOST = 12
_BODY = (
    b"--b\r\nContent-Disposition: form-data; name=file; filename=short.wav\r\n\r\nsound\r\n"
    b"--b\r\nContent-Disposition: form-data; name=stream\r\n\r\n%s\r\n--b--\r\n"
)


def transcribe(*, stream: bool = False) -> bytes:
    body = _BODY % (b"true" if stream else b"false")
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {
        "LONGSCRIBE_WEB_THREADS": "1",
        "LONGSCRIBE_WEB_TRANSFERS": "4",
        "LONGSCRIBE_MAX_WAITING": str(MOST),
    }
    with serving(tmp_path_factory.mktemp("waiting"), **env) as made:
        yield made
        assert "Traceback" not in made.services[-1].log


@pytest.fixture
def clients(stack: Stack) -> Iterator[SlowClients]:
    with SlowClients(stack.port) as made:
        yield made


@pytest.fixture
def db(stack: Stack) -> Iterator[Database]:
    database = Database(stack.database_url)
    yield database
    database.dispose()


def begin(clients: SlowClients, db: Database, count: int, *, stream: bool) -> list[socket.socket]:
    """Clients that wait, far more than the three transfers that one address may have at once."""

    def accepted(number: int) -> socket.socket | None:
        line = clients.connect(transcribe(stream=stream))
        while len(all_jobs(db)) < number:
            is_answered = bool(select.select([line], [], [], 0.05)[0])
            if is_answered and len(all_jobs(db)) < number:
                assert error_code(read_answer(line)[2]) == "too_many_transfers"
                return None
        return line

    return [wait_for(lambda n=n: accepted(n), what="a transfer") for n in range(1, count + 1)]


def all_jobs(db: Database) -> list[jobs.JobView]:
    return jobs.list_jobs(db, owner_id=LOCAL_OWNER, limit=100).jobs


def test_those_that_wait_hold_no_thread_and_are_all_answered(
    stack: Stack, clients: SlowClients, db: Database
) -> None:
    lines = begin(clients, db, MOST, stream=False)
    assert requests.get(f"{stack.url}/healthz", timeout=60).status_code == 200

    def is_refused_for_those_that_wait() -> bool:
        status, fields, body = read_answer(clients.connect(transcribe()))
        assert status == requests.codes.unavailable and int(fields["retry-after"]) > 0
        return error_code(body) == "too_many_waiting"

    wait_for(is_refused_for_those_that_wait)
    for _ in lines:
        factories.complete(db, factories.claim(db))
    for line in lines:
        status, _, body = read_answer(line)
        assert (status, json.loads(body)["text"]) == (200, "大家好。用GPU吗？")
    # The connection serves another request, which the client had sent before.
    lines[0].sendall(transcribe())
    wait_for(lambda: len(all_jobs(db)) == MOST + 1)
    lines[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    factories.complete(db, factories.claim(db))
    assert read_answer(lines[0])[0] == 200
    assert json.loads(read_answer(lines[0])[2])["status"] == "ok"


def test_a_client_that_leaves_makes_room_and_its_job_goes_on(
    stack: Stack, clients: SlowClients, db: Database
) -> None:
    lines = begin(clients, db, MOST, stream=True)
    for line in lines:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()

    def is_answered() -> bool:
        sound = {"file": ("short.wav", io.BytesIO(b"sound"))}
        asked = {"stream": "true"}
        url = f"{stack.url}/v1/audio/transcriptions"
        with requests.post(url, files=sound, data=asked, stream=True, timeout=60) as answer:
            return answer.status_code == requests.codes.ok

    wait_for(is_answered, what="room for another")
    assert {view.job.status for view in all_jobs(db)} == {"queued"}


def test_all_that_listen_to_a_job_are_told_of_its_end(
    stack: Stack, clients: SlowClients, db: Database
) -> None:
    job_id = factories.submit(db)
    listeners = [clients.connect(get(f"/api/v1/jobs/{job_id}/events")) for _ in range(MOST)]

    def heard(line: socket.socket, what: bytes) -> bytes:
        received = b""
        while what not in received:
            received += line.recv(65536)
        return received

    for line in listeners:
        assert b"event: job" in heard(line, b'"status": "queued"')
    assert requests.get(f"{stack.url}/healthz", timeout=60).status_code == 200
    factories.complete(db, factories.claim(db))
    for line in listeners:
        heard(line, b'"status": "completed"')
        line.sendall(get("/healthz"))  # the connection is free again
        heard(line, b'"ok"')


def test_a_server_that_stops_tells_where_the_jobs_are(
    stack: Stack, clients: SlowClients, db: Database
) -> None:
    [waiting] = begin(clients, db, 1, stream=False)
    [web] = stack.services
    web.kill(signal.SIGTERM)
    status, fields, body = read_answer(waiting)
    assert (status, error_code(body)) == (504, "still_running")
    assert fields["location"] == f"/api/v1/jobs/{all_jobs(db)[0].job.id}"
    assert web.process.wait(240) == 0
