"""Forms that other programs make: names in their encoding, and what is wrong with a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.web.web_app import database, make_app, stored_files

NAME = "会议纪要 乗.wav"
"""Name whose last character has a backslash for its second byte in GBK."""


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def part(disposition: bytes, content: bytes = b"RIFF0000WAVE") -> bytes:
    return (
        b"--B\r\nContent-Disposition: form-data; " + disposition + b"\r\n\r\n" + content + b"\r\n"
    )


FILE = part(b'name="file"; filename="a.wav"')
END = b"--B--\r\n"


def send(
    client: FlaskClient, body: bytes, kind: str = "multipart/form-data; boundary=B"
) -> TestResponse:
    return client.post("/api/v1/jobs", data=body, content_type=kind)


@pytest.mark.parametrize(
    ("encoded", "kept"),
    [
        (NAME.encode(), NAME),
        (NAME.encode("gbk"), NAME),
        ("𠮷.wav".encode("gb18030"), "𠮷.wav"),
        ("é.wav".encode("latin-1"), "�.wav"),
        (b"\xff\xfe.wav", "��.wav"),
    ],
    ids=["UTF-8", "GBK", "four bytes", "Latin-1", "neither"],
)
def test_a_name_is_read_in_the_encoding_that_it_has(
    client: FlaskClient, encoded: bytes, kept: str
) -> None:
    body = part(b'name="file"; filename="' + encoded + b'"')
    fields = part(b'name="metadata"', '{"room": "会议室"}'.encode("gbk"))
    response = send(client, fields + body + END)
    assert response.status_code == 202, response.text
    assert response.json is not None
    assert (response.json["filename"], response.json["metadata"]) == (kept, {"room": "会议室"})


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (f"filename*=UTF-8''{quote('周会.wav')}; filename=\"x.wav\"", "周会.wav"),
        (f"filename*=GBK'zh'{quote('周会.wav', encoding='gbk')}", "周会.wav"),
        ("filename*=nothing''%41.wav; filename=\"x.wav\"", "x.wav"),
        ("filename*=UTF-8''%BB%E1.wav; filename=\"x.wav\"", "x.wav"),
        ('filename="=?UTF-8?B?5ZGo5LyaLndhdg==?="', "周会.wav"),
        ('filename="=?nothing?B?5ZGo?= x.wav"', "=?nothing?B?5ZGo?= x.wav"),
        ('filename="100%25 =?.wav"', "100%25 =?.wav"),
        ("filename=\"x; filename*=UTF-8''y\"", "x; filename*=UTF-8''y"),
        ('filename="a\\"b; filename*=UTF-8\'\'y"', "a\"b; filename*=UTF-8''y"),
        ("filename=\"x; y\"; filename*=UTF-8''z.wav", "z.wav"),
    ],
)
def test_a_name_is_read_in_each_form_that_headers_know(
    client: FlaskClient, told: str, kept: str
) -> None:
    response = send(client, part(f'name="file"; {told}'.encode()) + END)
    assert response.status_code == 202, response.text
    assert response.json is not None and response.json["filename"] == kept


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\r\n", "boundary that Content-Type names"),
        (b"sound", "boundary that Content-Type names"),
        (FILE.replace(b"--B", b"--C") + b"--C--", "boundary that Content-Type names"),
        (FILE, "within the part 'file'"),
        (FILE[:-8], "within the part 'file'"),
        (FILE + part(b'name="priority"', b"1")[:-2], "within the part 'priority'"),
        (FILE[:30], "within the headers"),
        (FILE + b"--B\r\nX-Y: z\r\n\r\nx\r\n" + END, "no header Content-Disposition"),
        (part(b'filename="a.wav"') + END, "has no name"),
        (part("name=file; filename=会议.wav".encode()) + END, "in quotes"),
    ],
)  # fmt: skip
def test_a_broken_form_is_told_by_its_cause(
    client: FlaskClient, tmp_path: Path, body: bytes, says: str
) -> None:
    response = send(client, body)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"]["code"] == "malformed_form"
    assert says in response.json["error"]["message"]
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=界"])
def test_a_form_without_a_boundary_says_who_should_name_it(client: FlaskClient, kind: str) -> None:
    response = client.post(
        "/api/v1/jobs", data=FILE + END, headers={"Content-Type": kind.encode().decode("latin-1")}
    )
    assert response.status_code == 400
    assert "boundary" in response.text


def test_a_page_says_it_in_the_readers_language(client: FlaskClient) -> None:
    for language, says in (("en", "within the part"), ("zh", "请求中的表单不完整")):
        page = client.post(
            "/",
            data=FILE,
            content_type="multipart/form-data; boundary=B",
            headers={"Accept-Language": language},
        )
        assert page.status_code == 400
        assert says in page.text


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_fields_take_no_more_memory_than_they_may(client: FlaskClient, kind: str) -> None:
    fields = {f"field{n}": "x" * 100_000 for n in range(20)}
    answer = client.post("/jobs/selected", data=fields, content_type=kind)
    assert answer.status_code == 413


def test_a_form_in_another_encoding_is_told(client: FlaskClient) -> None:
    answer = client.post(
        "/jobs/selected", data=b"job=\xbb\xe1", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400
    assert "UTF-8" in answer.text


@pytest.mark.parametrize("encoding", ["base64", "Quoted-Printable"])
def test_what_is_encoded_as_in_a_mail_is_refused_at_the_door(
    client: FlaskClient, tmp_path: Path, encoding: str
) -> None:
    """Kept as it came, it would be told an hour later that this is no recording."""
    header = f'name="file"; filename="a.wav"\r\nContent-Transfer-Encoding: {encoding}'
    response = send(client, part(header.encode(), b"UklGRg==") + END)
    assert response.status_code == 400 and response.json is not None
    assert f"encoded ({encoding.lower()})" in response.json["error"]["message"]
    assert stored_files(tmp_path) == []
    plain = header.replace(encoding, "binary").encode()
    assert send(client, part(plain) + END).status_code == 202


@pytest.mark.parametrize("header", ["Content-Encoding", "Transfer-Encoding"])
def test_what_is_compressed_is_told_as_such(
    client: FlaskClient, tmp_path: Path, header: str
) -> None:
    for method, path in (("POST", "/api/v1/jobs"), ("POST", "/v2/upload"), ("PATCH", "/api/v1/me")):
        answer = client.open(
            path, method=method, data=b"\x1f\x8b", headers={header: "GZip, chunked"}
        )
        assert answer.status_code == 415 and "is compressed" in answer.text
        assert answer.headers["Accept-Encoding"] == "identity"
    assert stored_files(tmp_path) == []
    assert send(client, FILE + END).status_code == 202
    as_it_is = client.get("/api/v1/jobs", headers={"Content-Encoding": "identity"})
    assert as_it_is.status_code == 200


def test_what_has_no_body_is_not_compressed(client: FlaskClient) -> None:
    sent = send(client, FILE + END)
    assert sent.json is not None
    job = f"/api/v1/jobs/{sent.json['id']}"
    named = {"Content-Encoding": "gzip"}
    assert client.get(job, headers=named).status_code == 200
    assert client.head("/", headers=named).status_code == 200
    assert client.post(f"{job}/cancel", headers=named).status_code < 300
    with_body = client.delete(job, headers=named, data=b"\x1f\x8b")
    assert with_body.status_code == 415
    assert client.delete(job, headers=named).status_code == 204
