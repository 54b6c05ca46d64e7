"""A server with one thread for requests and four for transfers, beside clients that are slow.

With one thread, whoever could hold a thread would silence it.
"""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from shared.db import Database
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories
from tests.support.databases.sqlite import migrated_file
from tests.support.stack import Stack, running, wait_for
from tests.support.web import tus_client
from tests.support.web.slow_clients import SLOW_UPLOAD, SlowClients, error_code, get, read_answer
from tests.support.web.tus_client import MIB
from tests.support.web.web_site import incoming_bytes, serving
from web.serving.request_head import SMALL_BODY_BYTES

SOUND = bytes(range(256)) * 4096 * 8
ANSWERS_WITHIN_S = 10
"""Seconds, less than those for which half a request is waited for, and more than a page takes on a
busy machine."""
LARGE_PAGE = "/static/vendor/swagger-ui/swagger-ui-bundle.js"
NO_TRANSCRIPT = get("/api/v1/jobs/0/transcript")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, LONGSCRIBE_WEB_THREADS="1", LONGSCRIBE_WEB_TRANSFERS="4") as made:
        yield made
        [web] = made.services
        assert "Traceback" not in web.log


@pytest.fixture(scope="module")
def job(stack: Stack) -> str:
    """The path of a job with 8 MiB of sound."""
    made = requests.post(
        f"{stack.url}/api/v1/jobs", files={"file": ("周会.wav", SOUND)}, timeout=60
    )
    return str(made.json()["links"]["self"])


@pytest.fixture
def clients(stack: Stack) -> Iterator[SlowClients]:
    with SlowClients(stack.port) as made:
        yield made
    wait_for(lambda: transfer_is_free(stack), what="the transfers to end")


def transfer_is_free(stack: Stack) -> bool:
    """Whether nothing is refused, asked by an address that no test uses."""
    with SlowClients(stack.port) as probe:
        lines = [probe.connect(NO_TRANSCRIPT, source="127.0.0.3") for _ in range(3)]
        return {read_answer(line)[0] for line in lines} == {404}


def is_sent_to(reader: socket.socket) -> bool:
    """Whether an answer that nobody reads has begun, and is no refusal."""
    success = b"HTTP/1.1 200"
    return reader.recv(len(success), socket.MSG_PEEK | socket.MSG_WAITALL) == success


def answers(stack: Stack, *paths: str) -> bool:
    for path in ("/healthz", *paths):
        answer = requests.get(f"{stack.url}{path}", timeout=ANSWERS_WITHIN_S)
        assert answer.status_code == 200, answer.text
    return True


SMALL_BODY = (
    b"POST /language/zh HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\nusername="
)


@pytest.mark.parametrize("sent", [b"", b"G", SMALL_BODY], ids=["nothing", "a byte", "half a form"])
def test_who_sends_half_a_request_holds_no_thread(
    stack: Stack, clients: SlowClients, sent: bytes
) -> None:
    for _ in range(20):
        clients.connect(sent)
    clients.half_heads(20)
    assert answers(stack, "/")


def test_who_does_not_read_a_page_holds_no_thread(stack: Stack, clients: SlowClients) -> None:
    readers = clients.stalled_readers(6, LARGE_PAGE)
    assert answers(stack, "/")
    status, fields, body = read_answer(readers[0])
    assert (status, len(body)) == (200, int(fields["content-length"]))


def test_nor_does_who_does_not_read_a_very_long_one(stack: Stack, clients: SlowClients) -> None:
    db = Database(stack.database_url)
    job_id = factories.submit(db)
    while (claimed := factories.claim(db)).job_id != job_id:
        pass
    said = Sentence(0.0, 1.0, "长" * 7 * MIB)
    factories.complete(db, claimed, Transcript(1.0, "zh", "demo", (said,)))
    db.dispose()
    [reader] = clients.stalled_readers(1, f"/jobs/{job_id}")
    wait_for(lambda: is_sent_to(reader), what="the beginning of the page")
    assert answers(stack, "/")
    status, fields, body = read_answer(reader)
    assert (status, len(body)) == (200, int(fields["content-length"]))
    assert len(body) > 20 * MIB


def test_who_keeps_a_closed_connection_open_holds_nobody_up(
    stack: Stack, clients: SlowClients
) -> None:
    for _ in range(10):
        kept = clients.connect(get("/healthz", "Connection: close"))
        assert read_answer(kept)[0] == 200
    began = time.monotonic()
    assert answers(stack)
    assert time.monotonic() - began < ANSWERS_WITHIN_S
    wait_for(lambda: kept.recv(1) == b"", what="the server's end")


def test_transfers_hold_no_thread_of_others_and_one_address_not_all(
    stack: Stack, job: str, clients: SlowClients
) -> None:
    [upload] = clients.slow_uploads(1)
    for _ in range(2):
        # Refused while the transfer by which the recording came, just answered, is not at its end.
        wait_for(lambda: is_sent_to(*clients.stalled_readers(1, f"{job}/audio")))
    assert answers(stack, job, "/")
    wait_for(lambda: read_answer(clients.connect(get(f"{job}/transcript")))[0] == 503)
    status, fields, body = read_answer(clients.connect(SLOW_UPLOAD))
    assert (status, error_code(body)) == (503, "too_many_transfers")
    assert int(fields["retry-after"]) > 0
    assert fields["connection"] == "close"
    page = SLOW_UPLOAD.replace(b"/api/v1/jobs", b"/")
    status, fields, body = read_answer(clients.connect(page))
    assert status == 503 and fields["content-type"].startswith("text/html")
    other = clients.connect(get(f"{job}/transcript"), source="127.0.0.2")
    assert read_answer(other)[0] == 409  # not transcribed yet: there was a thread to say so
    upload.setblocking(False)
    with pytest.raises(BlockingIOError):
        upload.recv(1)  # who was there goes on


def test_requests_sent_at_once_wait_each_for_what_it_needs(
    stack: Stack, job: str, clients: SlowClients
) -> None:
    body = b"x" * 20_000
    post = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    sent = get("/healthz") + get(f"{job}/audio") + post + body + get("/readyz") + get("/healthz")
    typed = "GET /api/v1/jobs?q=预算 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    line = clients.connect(sent + typed)
    found = [read_answer(line) for _ in range(6)]
    assert [status for status, _, _ in found] == [200, 200, 405, 200, 200, 200]
    assert found[1][2] == SOUND


def test_an_answer_before_the_body_was_read_reaches_the_client_who_goes_on(stack: Stack) -> None:
    with requests.Session() as session:
        for _ in range(5):
            refused = session.post(f"{stack.url}/healthz", data=bytes(2 * MIB), timeout=60)
            assert (refused.status_code, refused.headers["Connection"]) == (405, "close")
            assert session.get(f"{stack.url}/healthz", timeout=60).status_code == 200


def test_a_server_that_is_full_of_half_requests_hears_a_newcomer(tmp_path: Path) -> None:
    env = {"GUNICORN_CMD_ARGS": "--worker-connections 20"}
    with serving(tmp_path, **env) as stack, SlowClients(stack.port) as clients:
        halves = clients.half_heads(20)
        newcomer = clients.connect(b"")
        # Accepted after it, and so late that the newcomer has not sent a byte by then.
        assert answers(stack)
        newcomer.sendall(get("/healthz"))
        assert read_answer(newcomer)[0] == 200
        wait_for(lambda: halves[0].recv(1) == b"", what="the end of the oldest half request")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    ],
    ids=["large", "bare LF", "two lengths", "TLS", "long length"],
)
def test_a_head_that_is_none_is_refused_at_once(
    stack: Stack, clients: SlowClients, sent: bytes, status: int
) -> None:
    line = clients.connect(sent)
    assert read_answer(line)[0] == status
    while line.recv(1000):
        pass
    assert answers(stack)


@pytest.mark.parametrize("size", [9_000, 90_000], ids=["9 kB", "90 kB"])
def test_a_list_that_came_by_half_takes_no_lists_place(
    stack: Stack, clients: SlowClients, size: int
) -> None:
    text = f"{stack.url}/api/v1/replacements/text"
    requests.put(text, data="预祘\t预算\n".encode(), timeout=60).raise_for_status()
    sent = "别人\t他人\n".encode().ljust(size // 2, b"\n")
    head = f"PUT /api/v1/replacements/text HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}"
    line = clients.connect(f"{head}\r\n\r\n".encode() + sent)
    line.shutdown(socket.SHUT_WR)
    if size > SMALL_BODY_BYTES:  # for less there is nobody yet who could answer
        status, _, body = read_answer(line)
        assert (status, error_code(body)) == (400, "incomplete_body")
    assert line.recv(1) == b""
    assert requests.get(text, timeout=60).text == "预祘\t预算\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n",
        b"2\r\n{}0\r\n",
        b"2;" + b"x" * 9_000,
        b"2\r\n{}\r\n0\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["no size", "below zero", "no end", "long size", "a field that may not be"],
)
def test_a_body_in_broken_chunks_is_the_clients_fault(
    stack: Stack, clients: SlowClients, sent: bytes
) -> None:
    for path in ("/api/v1/jobs", "/v2/upload", "/searches"):
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        line = clients.connect(head.encode() + b"Content-Type: application/json\r\n\r\n" + sent)
        assert read_answer(line)[0] == 400
    [web] = stack.services
    assert "Traceback" not in web.log


def half_close(line: socket.socket) -> None:
    line.shutdown(socket.SHUT_WR)


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


@pytest.mark.parametrize("size", [9_000, 3 * MIB + 77], ids=["9 kB", "3 MiB"])
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("leave", [socket.socket.close, half_close, reset])
def test_what_came_before_a_client_left_is_kept(
    stack: Stack, leave: Callable[[socket.socket], None], chunked: bool, size: int
) -> None:
    announced = 2 * size
    upload = tus_client.Upload.begin(stack.url, announced)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {announced}"
    fields = [f"{name}: {value}" for name, value in tus_client.BYTES.items()]
    head = [f"PATCH {upload.path} HTTP/1.1", "Host: 127.0.0.1", framing, "Upload-Offset: 0"]
    with socket.create_connection(("127.0.0.1", stack.port)) as line:
        line.sendall("\r\n".join([*head, *fields, "", ""]).encode())
        line.sendall(b"%x\r\n" % announced if chunked else b"")
        line.sendall(b"x" * size)
        wait_for(lambda: incoming_bytes(stack, upload.id) == size, what="the bytes on the disk")
        leave(line)
    wait_for(lambda: upload.append(0, b"").status_code != 423, what="the writer to let go")
    assert upload.offset() == size


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[Stack]:
    url = migrated_file(tmp_path / "longscribe.db")
    with running(Stack(tmp_path / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0"})) as made:
        yield made


def test_a_server_that_is_told_to_stop_keeps_what_slow_clients_sent(short_lived: Stack) -> None:
    short_lived.env["GUNICORN_CMD_ARGS"] = "--graceful-timeout 3"
    web = short_lived.start_web()
    upload = tus_client.Upload.begin(short_lived.url, 10 * MIB)
    with upload.open_patch(0, 10 * MIB) as line, SlowClients(short_lived.port) as clients:
        line.sendall(b"x" * MIB)
        clients.half_heads(5)
        clients.slow_uploads(5)
        wait_for(lambda: incoming_bytes(short_lived, upload.id) == MIB)
        web.kill(signal.SIGTERM)
        assert web.process.wait(240) == 0
    short_lived.start_web()
    assert upload.offset() == MIB


def test_behind_a_proxy_each_client_is_counted_by_its_own_address(short_lived: Stack) -> None:
    short_lived.env |= {"LONGSCRIBE_WEB_TRANSFERS": "2", "LONGSCRIBE_PROXIES": "1"}
    path = short_lived.folder / "web.sock"
    short_lived.env["GUNICORN_CMD_ARGS"] = f"--bind 127.0.0.1:{short_lived.port} --bind unix:{path}"
    short_lived.start_web()
    assert answers(short_lived)
    with SlowClients(short_lived.port) as clients:
        ours = b"X-Forwarded-For: 203.0.113.1\r\n"
        held = clients.connect(SLOW_UPLOAD.replace(b"Host", ours + b"Host", 1))
        asked = get("/api/v1/jobs/0/transcript", "X-Forwarded-For: 203.0.113.1")

        def is_refused() -> bool:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(path))
                line.sendall(asked)
                return read_answer(line)[0] == 503

        wait_for(is_refused, what="the upload to be counted")
        other = clients.connect(asked.replace(b"113.1", b"113.2"))
        assert read_answer(other)[0] == 404
        held.close()
