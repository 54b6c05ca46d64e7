"""The client's connection, at a server that is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

import longscribe_client as api
from longscribe_client.connection import Connection
from longscribe_client.models import Job
from longscribe_client.reading import read
from tests.web.commands.conftest import ADDRESS


def answering(*answers: httpx2.Response | Exception) -> tuple[Connection, list[float]]:
    """A connection that gets these answers, or fails with them, and the pauses that it makes."""
    left, pauses = list(answers), list[float]()

    def answer(_: httpx2.Request) -> httpx2.Response:
        if isinstance(told := left.pop(0), Exception):
            raise told
        return told

    connection = Connection(
        ADDRESS,
        patience_s=100,
        transport=httpx2.MockTransport(answer),
        sleep=pauses.append,
        monotonic=lambda: sum(pauses),
    )
    return connection, pauses


def refusal(status: int, **headers: str) -> httpx2.Response:
    told = {"message": "Too much waits.", "code": "queue_full", "type": "x", "param": None}
    return httpx2.Response(status, json={"error": told}, headers=headers)


def test_retries_come_as_late_as_the_server_asks() -> None:
    busy = refusal(503, **{"Retry-After": "40"})
    connection, pauses = answering(busy, busy, httpx2.Response(200, json={"jobs": []}))
    assert connection.jobs() == {"jobs": []}
    assert pauses == [40, 40]
    connection, pauses = answering(busy, busy, busy, busy, busy)
    with pytest.raises(api.ServerBusy) as given_up:
        connection.jobs()
    assert (given_up.value.code, given_up.value.status) == ("queue_full", 503)
    assert pauses == [40, 40, 20]


def test_the_server_may_ask_by_the_time_of_day() -> None:
    past = refusal(503, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    connection, pauses = answering(past, httpx2.Response(200, json={"jobs": []}))
    assert (connection.jobs(), pauses) == ({"jobs": []}, [0.0])


def test_a_time_that_no_clock_shows_is_no_time() -> None:
    never = {"Retry-After": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"}
    connection, pauses = answering(
        refusal(503), refusal(503, **never), httpx2.Response(200, json={"jobs": []})
    )
    assert (connection.jobs(), len(pauses)) == ({"jobs": []}, 2)


def test_a_stream_that_breaks_is_taken_up_where_it_was() -> None:
    asked: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 1:
            return httpx2.Response(
                200,
                text='event: job\nid: a\ndata: {"n": 1}\n\n: alive\n\n',
                headers={"Content-Type": "text/event-stream; charset=utf-8"},
            )
        if len(asked) == 2:
            raise httpx2.ReadError("the line is gone")
        return httpx2.Response(204)

    transport = httpx2.MockTransport(answer)
    connection = Connection(ADDRESS, transport=transport, sleep=lambda _: None)
    assert list(connection.job_events("1")) == [{"n": 1}]
    assert asked == [None, "a", "a"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, api.AuthenticationFailed),
        (413, api.TooLarge),
        (423, api.Conflict),
        (500, api.ServerBusy),
    ],
)
def test_an_error_has_the_class_of_its_status(status: int, kind: type[api.ApiError]) -> None:
    connection, _ = answering(refusal(status))
    with pytest.raises(kind, match="Too much waits"):
        connection.job("1")


def test_an_answer_of_something_else_is_told() -> None:
    for answer in (httpx2.Response(200, text="<html>"), httpx2.Response(200, json=[])):
        connection, _ = answering(answer)
        with pytest.raises(api.UnexpectedAnswer):
            connection.jobs()
    values: list[Any] = [{}, {"id": 1}, []]
    for value in values:
        with pytest.raises(api.UnexpectedAnswer):
            read(Job, value)


def test_a_page_is_no_stream_of_events() -> None:
    connection, pauses = answering(httpx2.Response(200, html="<html>"))
    with pytest.raises(api.UnexpectedAnswer):
        next(connection.job_events("1"))
    assert pauses == []


@pytest.mark.parametrize("headers", [{}, {"Location": "/"}])
def test_an_upload_without_an_address_is_told(tmp_path: Path, headers: dict[str, str]) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"sound")
    connection, _ = answering(httpx2.Response(201, headers=headers))
    with pytest.raises(api.UnexpectedAnswer):
        connection.upload(file)


@pytest.mark.parametrize("headers", [{}, {"Upload-Offset": "x"}, {"Upload-Offset": "-1"}])
def test_an_upload_that_stands_nowhere_is_told(tmp_path: Path, headers: dict[str, str]) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"sound")
    connection, _ = answering(httpx2.Response(200, headers=headers))
    with pytest.raises(api.UnexpectedAnswer):
        connection.upload(file, begun="1")


def test_a_deleted_job_that_was_fetched_is_not_found() -> None:
    fetched = httpx2.Response(200, json={"id": "1", "status": "submitted"})
    for ask in (Connection.job, Connection.cancel):
        connection, _ = answering(refusal(404), fetched, refusal(404))
        with pytest.raises(api.NotFound):
            ask(connection, "1")
        job = {"id": "1", "status": "queued"}
        connection, _ = answering(refusal(404), fetched, httpx2.Response(200, json=job))
        assert ask(connection, "1") == job, "it became one between the two"


LOST = [httpx2.ReadError("the line is gone"), httpx2.ReadTimeout("late"), httpx2.Response(502)]
NOT_DONE = [httpx2.ConnectError("nobody is there"), refusal(503)]


@pytest.mark.parametrize("lost", LOST, ids=repr)
def test_what_a_lost_try_has_done_is_done(lost: httpx2.Response | Exception) -> None:
    connection, _ = answering(lost, refusal(404))
    connection.delete("1")
    queued = {"id": "1", "status": "queued"}
    connection, _ = answering(lost, refusal(409), httpx2.Response(200, json=queued))
    assert connection.retry("1") == queued
    completed = {"id": "1", "status": "completed"}
    connection, _ = answering(lost, refusal(409), httpx2.Response(200, json=completed))
    with pytest.raises(api.Conflict):
        connection.retry("1")


@pytest.mark.parametrize("before", [[], *([one] for one in NOT_DONE)], ids=repr)
def test_what_no_try_can_have_done_is_an_error(before: list[httpx2.Response | Exception]) -> None:
    connection, _ = answering(*before, refusal(404))
    with pytest.raises(api.NotFound):
        connection.delete("1")
    connection, _ = answering(*before, refusal(409))
    with pytest.raises(api.Conflict):
        connection.retry("1")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080", "socksio"),
        ("HTTPS_PROXY", "ftp://proxy", "HTTPS_PROXY"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE"),
    ],
)
def test_what_the_environment_says_of_the_way_out_is_told_if_it_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(api.ClientError, match=said):
        Connection("https://longscribe.example")
    for here in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        Connection(here).close()  # where no proxy leads


def test_an_authority_of_the_environment_is_trusted_on_this_machine_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(api.ClientError, match="SSL_CERT_FILE"):
        Connection("https://localhost:8443")


def test_what_a_proxy_refuses_is_told_as_such() -> None:
    connection, _ = answering(httpx2.Response(413, html="<h1>413 Request Entity Too Large</h1>"))
    with pytest.raises(api.TooLarge, match="client_max_body_size"):
        connection.jobs()


@pytest.mark.parametrize(
    ("failure", "advice"),
    [("CERTIFICATE_VERIFY_FAILED", "SSL_CERT_FILE"), ("WRONG_VERSION_NUMBER", "http://")],
)
def test_tls_that_will_not_do_is_told_at_once_with_the_way_out(failure: str, advice: str) -> None:
    connection, pauses = answering(*[httpx2.ConnectError(f"[SSL: {failure}]")] * 2)
    with pytest.raises(api.ServerUnreachable, match=advice):
        connection.jobs()
    with pytest.raises(api.ServerUnreachable, match=advice):
        list(connection.job_events("1"))
    assert pauses == []


def test_a_server_that_has_moved_is_told_by_its_new_address() -> None:
    moved = httpx2.Response(301, headers={"Location": "https://there.example/api/v1/jobs"})
    connection, pauses = answering(moved)
    with pytest.raises(api.UnexpectedAnswer, match=r"moved to https://there\.example"):
        connection.jobs()
    assert pauses == []
