"""What is logged of an answer that could not be given to its end."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from structlog.testing import capture_logs

from tests.support.web.slow_clients import get
from web.serving.answer_threads import PAUSED, AnsweringWorker
from web.serving.client_socket import ClientSocket
from web.serving.connection_state import Connection
from web.serving.slow_client_limits import Patience
from web.waiting import WAIT


def answer(log: Logger, pieces: Iterable[bytes], *, waits: bool = False) -> bool:
    """Whether a connection is kept whose client asks for these pieces and reads none of them;
    `waits`: the first of them is nothing, and what the answer waits for comes then."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "audio/wav")])
        if waits:
            environ[WAIT] = object()
        return pieces

    ours, theirs = socket.socketpair()
    with ClientSocket(ours, Patience(silence_s=0.05, least_bytes_s=0)) as sock, theirs:
        worker = AnsweringWorker(1, 1, [], None, 60, log.cfg, log)
        worker.wsgi = application
        theirs.sendall(get("/api/v1/jobs/1/audio"))
        connection = Connection(log.cfg, sock, ("192.0.2.1", 1), ("192.0.2.2", 80))
        kept = worker.handle(connection)
        if waits:
            assert kept is PAUSED
            kept = worker._go_on(connection)
        return bool(kept)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Logger]:
    made = Logger(Config())
    made.error_log.addHandler(caplog.handler)
    yield made
    made.error_log.removeHandler(caplog.handler)


def test_of_a_client_that_stops_reading_there_is_one_line_and_no_traceback(
    log: Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as lines:
        assert not answer(log, [bytes(2**20)] * 100)
    assert [(line["log_level"], line["client"], line["because"]) for line in lines] == [
        ("info", "192.0.2.1", "timed out")
    ]
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_an_error_of_the_server_in_the_midst_of_an_answer_is_logged_with_its_traceback(
    log: Logger, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"RIFF"
        raise OSError(errno.EIO, "the disk is broken")

    assert not answer(log, broken())
    [told] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told.exc_info is not None and told.exc_info[1].args[1] == "the disk is broken"


def test_so_is_one_after_the_answer_has_waited() -> None:
    def broken() -> Iterator[bytes]:
        yield b""
        raise OSError(errno.EIO, "the disk is broken")

    with capture_logs() as lines:
        assert not answer(Logger(Config()), broken(), waits=True)
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("error", "an answer broke off")
    ]


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EHOSTUNREACH])
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after it has waited"])
def test_of_a_client_that_cannot_be_reached_any_more_there_is_no_error(
    log: Logger,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    waits: bool,
) -> None:
    def send(sock: socket.socket, data: bytes) -> int:
        raise OSError(number, "from the kernel")

    monkeypatch.setattr(socket.socket, "send", send)
    with capture_logs() as lines:
        assert not answer(log, [b"" if waits else b"RIFF", b"sound"], waits=waits)
    assert lines == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_disk_that_answers_no_more_is_not_taken_for_a_client(
    log: Logger, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"RIFF"
        raise OSError(errno.ETIMEDOUT, "the disk is far away")

    assert not answer(log, broken())
    [told] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told.exc_info is not None and told.exc_info[1].args[1] == "the disk is far away"
