"""Uploads against a real gunicorn: flat memory, one copy, nothing left of what was broken off."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.databases.sqlite import migrated_file
from tests.support.stack import Service, Stack, running, wait_for
from tests.support.stack_without_http import children

MIB = 2**20
BOUNDARY = "boundary-of-the-test"
HEAD = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="file"; filename="long.wav"\r\n'
    "Content-Type: audio/wav\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A server that is already up, for tests that change nothing about it."""
    folder = tmp_path_factory.mktemp("uploads")
    url = migrated_file(folder / "longscribe.db")
    with running(Stack(folder / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0"})) as stack:
        stack.start_web()
        yield stack


@pytest.fixture
def up(shared_stack: Stack) -> Iterator[Stack]:
    """The same, without jobs and recordings."""
    yield shared_stack
    for job in jobs_of(shared_stack):
        requests.delete(f"{shared_stack.url}{job['links']['self']}", timeout=60)
    assert recordings(shared_stack) == []


@pytest.fixture
def sqlite_stack(tmp_path: Path) -> Iterator[Stack]:
    """No worker and, unless a test starts it, no Redis."""
    url = migrated_file(tmp_path / "longscribe.db")
    with running(Stack(tmp_path / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0"})) as stack:
        yield stack


def recordings(stack: Stack) -> list[Path]:
    folder = stack.folder / "data" / "recordings"
    found = folder.rglob("*")
    return [path for path in found if path.is_file() and path.name != "storage-id"]


def jobs_of(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{stack.url}/api/v1/jobs", timeout=60).json()[
        "jobs"
    ]
    return found


def resident_bytes(web: Service) -> int:
    [worker] = children(web.pid)
    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def pieces(count: int) -> Iterator[bytes]:
    """`count` different pieces of a MiB."""
    for number in range(count):
        yield number.to_bytes(4, "big") * (MIB // 4)


def post(stack: Stack, body: bytes = b"sound", **headers: str) -> requests.Response:
    return requests.post(
        f"{stack.url}/api/v1/jobs",
        files={"file": ("周会.wav", body)},
        headers=headers,
        timeout=60,
    )


def test_a_large_upload_keeps_memory_flat_and_crosses_the_disk_once(up: Stack) -> None:
    [web] = up.services
    assert post(up, b"warm").status_code == 202
    before = resident_bytes(web)
    highest, sizes = before, set()

    size_mib = 320
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=60)
    connection.putrequest("POST", "/api/v1/jobs")
    length = len(HEAD) + size_mib * MIB + len(TAIL)
    for name, value in (HEADERS | {"Content-Length": str(length)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(HEAD)
    digest = hashlib.sha256()
    for number, piece in enumerate(pieces(size_mib)):
        connection.send(piece)
        digest.update(piece)
        if number % 20 == 19:
            highest = max(highest, resident_bytes(web))
            sizes.add(sum(path.stat().st_size for path in recordings(up)))
    connection.send(TAIL)
    response = connection.getresponse()
    assert response.status == 202, response.read()
    highest = max(highest, resident_bytes(web))

    print(f"resident before {before / MIB:.1f} MiB, highest {highest / MIB:.1f} MiB")
    assert highest - before < 16 * MIB
    assert max(sizes) <= length
    largest = max(recordings(up), key=lambda path: path.stat().st_size)
    with largest.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").digest() == digest.digest()
    assert largest.parent.name != "incoming"


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_a_client_that_leaves_leaves_nothing_behind(up: Stack, chunked: bool) -> None:
    [web] = up.services
    body = HEAD + b"x" * 3 * MIB
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {500 * MIB}"
    with socket.create_connection(("127.0.0.1", up.port)) as client:
        client.sendall(
            f"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n"
            f"Content-Type: {HEADERS['Content-Type']}\r\n\r\n".encode()
        )
        client.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n" if chunked else body)
        wait_for(
            lambda: any(path.stat().st_size > MIB for path in recordings(up)),
            what="the first bytes to arrive",
        )
    wait_for(lambda: not recordings(up), what="the incoming file to go")
    assert jobs_of(up) == []
    assert "Traceback" not in web.log


def test_a_client_that_falls_silent_is_broken_off(sqlite_stack: Stack) -> None:
    sqlite_stack.env["LONGSCRIBE_UPLOAD_SILENCE_S"] = "0.5"
    web = sqlite_stack.start_web()
    head = (
        f"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: {500 * MIB}\r\n"
        f"Content-Type: {HEADERS['Content-Type']}\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as clients:

        def is_seen() -> bool:
            """Whether this process, which may be kept waiting, sees a client's bytes in time."""
            with contextlib.suppress(ConnectionError, AssertionError):
                client = socket.create_connection(("127.0.0.1", sqlite_stack.port))
                clients.enter_context(client)
                client.sendall(head + HEAD + b"x" * 3 * MIB)
                return bool(wait_for(lambda: recordings(sqlite_stack), seconds=0.4))
            return False

        wait_for(is_seen, what="the first bytes to arrive")
        wait_for(lambda: not recordings(sqlite_stack), what="the incoming file to go")
    assert jobs_of(sqlite_stack) == []
    assert "Traceback" not in web.log


def test_an_upload_of_unknown_length_is_taken(up: Stack) -> None:
    response = requests.post(
        f"{up.url}/api/v1/jobs",
        data=iter([HEAD, *pieces(3), TAIL]),
        headers=HEADERS,
        timeout=60,
    )
    assert response.status_code == 202
    assert [path.stat().st_size for path in recordings(up)] == [3 * MIB]


def test_a_client_reads_why_its_upload_was_refused(sqlite_stack: Stack) -> None:
    sqlite_stack.env["LONGSCRIBE_MAX_UPLOAD_BYTES"] = str(MIB)
    sqlite_stack.start_web()
    connection = http.client.HTTPConnection("127.0.0.1", sqlite_stack.port, timeout=60)
    connection.putrequest("POST", "/api/v1/jobs")
    for name, value in (HEADERS | {"Content-Length": str(100 * MIB)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.send(HEAD + b"x" * MIB)
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["code"] == "file_too_large"
    assert recordings(sqlite_stack) == []


def test_several_processes_count_together_and_forget_an_earlier_run(sqlite_stack: Stack) -> None:
    sqlite_stack.env["LONGSCRIBE_WEB_WORKERS"] = "2"
    web = sqlite_stack.start_web()
    for _ in range(6):
        assert post(sqlite_stack).status_code == 202

    def created() -> str:
        lines = requests.get(f"{sqlite_stack.url}/metrics", timeout=60).text.splitlines()
        return next(line for line in lines if "submissions_total{" in line)

    assert created().endswith('{result="created"} 6.0')
    assert web.stop() == 0
    sqlite_stack.start_web()
    assert post(sqlite_stack).status_code == 202
    assert created().endswith('{result="created"} 1.0')
