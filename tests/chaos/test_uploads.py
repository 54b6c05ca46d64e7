"""Uploads in pieces whose client leaves, whose server dies, and that several write to at once: what
was told to be safe is there, nothing is mixed up, and the recording is what was sent."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import requests
from sqlalchemy import select, update

from shared.db import Database, database_now
from shared.models import Job, Recording, Upload
from tests.chaos.machinery.faults import kill_group
from tests.support import factories
from tests.support.stack import Stack, running, wait_for
from tests.support.web import tus_client
from tests.support.web.tus_client import MIB

postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def stack(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    """Two web processes, and neither Redis nor a worker: nothing here needs them."""
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_WEB_WORKERS": "2"}
    with running(Stack(tmp_path / "stack", database_url, env)) as made:
        made.start_web()
        yield made


@pytest.fixture
def rows(stack: Stack) -> Iterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    opened.dispose()


def settled(upload: tus_client.Upload) -> int:
    """The offset once nobody writes any more: an empty piece is refused while somebody does.

    The server must have begun with what was sent before.
    """

    def free() -> bool:
        return upload.append(0, b"").status_code != 423

    wait_for(free, what="the writer to let go")
    return upload.offset()


def begun(stack: Stack, at: int = 0) -> None:
    """Wait until the server writes what comes after that offset."""
    wait_for(lambda: files(stack)[0].stat().st_size > at, what="the first bytes")


def stored_sha256(rows: Database) -> list[str]:
    with rows.reading() as session:
        return list(session.scalars(select(Recording.sha256)).all())


def files(stack: Stack) -> list[Path]:
    """The files of recordings, whole or not."""
    found = (stack.folder / "data" / "recordings").rglob("*")
    return [path for path in found if path.is_file() and path.name != "storage-id"]


@pytest.mark.parametrize("rudely", [False, True], ids=["closed", "reset"])
@postgresql
def test_what_a_client_had_sent_when_it_left_is_kept(
    stack: Stack, rows: Database, rudely: bool
) -> None:
    recording = tus_client.Recording(6 * MIB)
    upload = tus_client.Upload.begin(stack.url, recording.size_bytes)
    sent = 3 * MIB + 12_345
    upload.send_until_cut(recording, 0, sent, rudely=rudely, at_the_cut=lambda: begun(stack))
    at = settled(upload)
    if rudely:  # a reset throws away what lies unread in the socket
        assert at <= sent
    else:
        assert at == sent
    assert upload.append(at, recording.all()[at:]).status_code == 204
    assert upload.submit().status_code == 202
    assert stored_sha256(rows) == [recording.sha256()]
    assert "Traceback" not in stack.services[0].log


def test_a_recording_cut_ten_times_at_random_offsets_is_what_was_sent(
    stack: Stack, rows: Database
) -> None:
    recording = tus_client.Recording(64 * MIB, seed=7)
    upload = tus_client.Upload.begin(stack.url, recording.size_bytes)
    draw = random.Random(20261123)
    at = 0
    for _ in range(10):
        cut_at = at + draw.randrange(MIB, (recording.size_bytes - at) // 3)
        upload.send_until_cut(
            recording,
            at,
            cut_at,
            rudely=draw.random() < 0.3,
            at_the_cut=lambda at=at: begun(stack, at),
        )
        now = settled(upload)
        assert at <= now <= cut_at
        at = now
    rest = (recording.read(o, MIB) for o in _steps(recording, at))
    assert upload.append(at, rest).status_code == 204
    assert upload.submit().status_code == 202
    assert stored_sha256(rows) == [recording.sha256()]
    [file] = files(stack)
    with file.open("rb") as stored:
        assert hashlib.file_digest(stored, "sha256").hexdigest() == recording.sha256()


def _steps(recording: tus_client.Recording, at: int) -> Iterator[int]:
    while at < recording.size_bytes:
        yield at
        at += len(recording.read(at, MIB))


@postgresql
def test_a_web_server_that_is_killed_loses_nothing_that_it_told(
    stack: Stack, rows: Database
) -> None:
    recording = tus_client.Recording(20 * MIB, seed=3)
    upload = tus_client.Upload.begin(stack.url, recording.size_bytes)
    assert upload.append(0, recording.all()[: 5 * MIB]).status_code == 204

    def arrived_and_killed() -> None:
        wait_for(
            lambda: max(path.stat().st_size for path in files(stack)) > 9 * MIB,
            what="the bytes to be written",
        )
        kill_group(stack.services[0].pid)
        stack.services[0].process.wait()

    upload.send_until_cut(recording, 5 * MIB, 12 * MIB, at_the_cut=arrived_and_killed)
    wait_for(lambda: not _listens(stack.port), what="the port to be free")
    stack.start_web()
    assert upload.offset() == 5 * MIB
    assert upload.append(5 * MIB, recording.all()[5 * MIB :]).status_code == 204
    assert upload.submit().status_code == 202
    assert stored_sha256(rows) == [recording.sha256()]


def test_of_many_that_write_at_once_one_does_and_nothing_is_mixed(
    stack: Stack, rows: Database
) -> None:
    recording = tus_client.Recording(4 * MIB, seed=5)
    upload = tus_client.Upload.begin(stack.url, recording.size_bytes)
    held = upload.open_patch(0, recording.size_bytes)
    held.sendall(recording.read(0, MIB))
    begun(stack)
    with ThreadPoolExecutor(8) as others:
        answers = list(others.map(lambda _: upload.append(0, b"x" * 1000), range(24)))
    assert {answer.status_code for answer in answers} == {423}
    assert {answer.json()["error"]["code"] for answer in answers} == {"upload_busy"}
    for block in range(1, 4):
        held.sendall(recording.read(block * MIB, MIB))
    assert held.recv(65536).startswith(b"HTTP/1.1 204")
    held.close()
    assert upload.submit().status_code == 202
    assert stored_sha256(rows) == [recording.sha256()]


@postgresql
def test_racing_pieces_for_one_offset_are_taken_once(stack: Stack, rows: Database) -> None:
    upload = tus_client.Upload.begin(stack.url, 80_000)
    expected = b""
    for turn in range(8):
        together = Barrier(4)

        def race(number: int, offset: int = turn * 10_000, together: Barrier = together) -> int:
            together.wait()
            return upload.append(
                offset, bytes([offset // 10_000 * 8 + number]) * 10_000
            ).status_code

        with ThreadPoolExecutor(4) as racers:
            statuses = list(racers.map(race, range(4)))
        assert statuses.count(204) == 1, statuses
        assert set(statuses) <= {204, 409, 423}
        expected += bytes([turn * 8 + statuses.index(204)]) * 10_000
    assert upload.submit().status_code == 202
    assert stored_sha256(rows) == [hashlib.sha256(expected).hexdigest()]


def test_submitted_by_many_at_once_it_is_one_job(stack: Stack, rows: Database) -> None:
    upload = tus_client.Upload.begin(stack.url, 3 * MIB)
    assert upload.append(0, tus_client.Recording(3 * MIB).all()).status_code == 204
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: upload.submit(), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert factories.count(rows, Job) == 1


@postgresql
def test_a_piece_with_a_checksum_is_kept_whole_or_not_at_all(stack: Stack) -> None:
    upload = tus_client.Upload.begin(stack.url, 2 * MIB)
    piece = tus_client.Recording(2 * MIB).all()
    digest = base64.b64encode(hashlib.sha1(piece).digest()).decode()
    broken = upload.open_patch(0, len(piece), Upload_Checksum=f"sha1 {digest}")
    with broken:
        broken.sendall(piece[:MIB])
        begun(stack)
    assert settled(upload) == 0
    damaged = piece[:-1] + b"?"
    assert upload.append(0, damaged, Upload_Checksum=f"sha1 {digest}").status_code == 460
    assert upload.offset() == 0
    assert upload.append(0, piece, Upload_Checksum=f"sha1 {digest}").status_code == 204


@postgresql
def test_a_client_that_falls_silent_lets_go_and_keeps_what_it_sent(
    database_url: str, tmp_path: Path
) -> None:
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_UPLOAD_SILENCE_S": "5"}
    with running(Stack(tmp_path / "stack", database_url, env)) as stack:
        stack.start_web()
        recording = tus_client.Recording(3 * MIB)
        upload = tus_client.Upload.begin(stack.url, recording.size_bytes)
        with upload.open_patch(0, recording.size_bytes) as silent:
            silent.sendall(recording.read(0, MIB))
            begun(stack)
            at = settled(upload)
        assert MIB - 256 * 1024 <= at <= MIB
        assert upload.append(at, recording.all()[at:]).status_code == 204


@postgresql
def test_an_upload_that_nobody_goes_on_with_is_swept_with_its_bytes(
    stack: Stack, rows: Database
) -> None:
    upload = tus_client.Upload.begin(stack.url, 1000)
    assert upload.append(0, b"x" * 500).status_code == 204
    assert len(files(stack)) == 1
    with rows.writing() as session:
        session.execute(update(Upload).values(expires_at=database_now(-1)))
    assert _status(upload) == 410
    stack.start_redis()
    worker = stack.start_worker()

    def is_swept() -> bool:
        assert worker.process.poll() is None, worker.log
        return not files(stack) and factories.count(rows, Upload) == 0

    # The worker starts meanwhile, and looks for such uploads once a minute.
    wait_for(is_swept, seconds=200, what="its bytes and its row to go")
    assert _status(upload) == 404


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return False
    return True


def _status(upload: tus_client.Upload) -> int:
    return requests.head(
        f"{upload.server}{upload.path}", headers=tus_client.VERSION, timeout=60
    ).status_code
