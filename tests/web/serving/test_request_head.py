"""What the loop reads of a head: when it is whole, where its request waits, and whose it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.web.web_app import make_app
from web.serving.request_head import (
    RequestHead,
    client_address,
    escape_target,
    head_size,
    read_head,
)

TRANSFERS = {
    ("POST", "jobs.submit_job"),
    ("POST", "pages.submit"),
    ("POST", "uploads.append_to_upload"),  # by X-HTTP-Method-Override
    ("PATCH", "uploads.append_to_upload"),
    ("GET", "listening.get_job_audio"),
    ("GET", "jobs.get_job_transcript"),
    ("GET", "reports.get_report"),
    ("POST", "jobs.export_transcripts"),
    ("POST", "pages.selected"),
    ("GET", "links.play_recording"),
    ("POST", "openai.create_transcription"),
    ("POST", "assemblyai.upload"),
    ("GET", "assemblyai.get_transcript"),
    ("GET", "assemblyai.get_sentences"),
    ("GET", "assemblyai.get_paragraphs"),
    ("GET", "assemblyai.get_srt"),
    ("GET", "assemblyai.get_vtt"),
    ("GET", "dashscope.get_transcription"),
    ("GET", "own_data.export_own_data"),
    ("POST", "own_data_page.export"),
    ("GET", "audit.export_audit"),
    ("GET", "audit_page.export"),
}


def head(line: str, *fields: str) -> RequestHead:
    return read_head("\r\n".join([line, "Host: x", *fields, "", ""]).encode("latin-1"))


@pytest.mark.parametrize(
    ("received", "size"),
    [
        (b"", None),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", None),
        (b"GET / HTTP/1.1\r\n\r", None),
        (b"GET / HTTP/1.1\r\n\r\n", 18),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", 20),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /next", 27),
        (b"\r\n\r\n", 4),
        (b"GET / HTTP/1.1\nHost: x\r\n", 24),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", 25),
    ],
)
def test_a_head_is_whole_when_the_parser_needs_no_more(received: bytes, size: int | None) -> None:
    assert head_size(received) == size


@pytest.mark.parametrize(
    ("line", "escaped"),
    [
        ("GET /api/v1/jobs?q=预算 HTTP/1.1", b"GET /api/v1/jobs?q=%E9%A2%84%E7%AE%97 HTTP/1.1"),
        ("\r\nGET /?q=é HTTP/1.1", b"\r\nGET /?q=%C3%A9 HTTP/1.1"),
        ("GET /?q=%E9%A2%84 HTTP/1.1", b"GET /?q=%E9%A2%84 HTTP/1.1"),
        ("GÉT / HTTP/1.1", "GÉT / HTTP/1.1".encode()),
    ],
)
def test_an_address_as_it_is_typed_is_escaped(line: str, escaped: bytes) -> None:
    behind = "\r\nTitle: 周会\r\n\r\n{正文}".encode()
    received = bytearray(line.encode() + behind)
    size = head_size(received)
    assert size is not None
    assert escape_target(received, size) == head_size(received)
    assert bytes(received) == escaped + behind


def test_the_routes_that_move_recordings_are_transfers(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url, tmp_path, sign_in="required")
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "0199", rule.rule)
        for method in {*(rule.methods or ()), "POST"}:
            if head(f"{method} {path} HTTP/1.1").is_transfer:
                found.add((method, rule.endpoint))
    upload = {("POST", name) for name in ("tell_abilities", "get_upload_offset", "end_upload")}
    assert found - {(method, f"uploads.{name}") for method, name in upload} >= TRANSFERS
    quick = found - TRANSFERS
    assert {endpoint.split(".")[0] for _, endpoint in quick} <= {"uploads", "jobs", "pages"}
    assert {method for method, _ in quick} <= {"POST"}


@pytest.mark.parametrize(
    "line",
    [
        "GET /api/v1/jobs/0199/audio?pieces=1 HTTP/1.1",
        "GET /api/v1/jobs/0199/%61udio HTTP/1.1",
        "GET http://x/api/v1/jobs/0199/transcript?format=docx HTTP/1.1",
        "POST /?next=1 HTTP/1.1",
    ],
)
def test_a_transfer_is_known_however_its_path_is_written(line: str) -> None:
    assert head(line).is_transfer


@pytest.mark.parametrize(
    ("fields", "is_transfer", "body_size"),
    [
        (["Content-Length: 16384"], False, 16384),
        (["content-length:16385"], True, 0),
        (["Transfer-Encoding: chunked"], True, 0),
        (["Content-Length: 5", "Expect: 100-continue"], True, 0),
        (["Content-Length: 5", "Content-Length: 9999999"], False, 0),
        (["Content-Length: -5"], False, 0),
        (["Content-Length: 1_000"], False, 0),
        ([], False, 0),
    ],
)
def test_a_small_body_is_gathered_and_a_large_or_unknown_one_is_a_transfer(
    fields: list[str], is_transfer: bool, body_size: int
) -> None:
    found = head("POST /sign-in HTTP/1.1", *fields)
    assert (found.is_transfer, found.body_size) == (is_transfer, body_size)


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("192.0.2.7", "203.0.113.9", 0, "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", 1, "203.0.113.9"),
        ("192.0.2.7", "198.51.100.1, 203.0.113.9, 192.0.2.8", 2, "203.0.113.9"),
        ("192.0.2.7", "", 1, ""),
        ("192.0.2.7", "203.0.113.9", 2, "192.0.2.7"),
        ("2001:db8:1:2:3::4", "", 0, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "", 0, "192.0.2.7"),
        ("fe80::1%eth0", "", 0, "fe80::/64"),
        ("", "", 0, ""),
    ],
)
def test_a_request_is_counted_for_who_sent_it(
    peer: str, forwarded: str, proxies: int, address: str
) -> None:
    found = head("GET / HTTP/1.1", f"X-Forwarded-For: {forwarded}")
    assert client_address(found, peer, proxies=proxies) == address
