"""The path that a proxy serves the site below: who is believed, and what begins with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.web.web_app import database, make_app

BELOW = {"X-Forwarded-Prefix": "/transcripts"}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path, sign_in="required", proxies=1)
    yield made
    database(made).dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def root_of(page: str) -> str:
    [root] = re.findall(r'data-root="([^"]*)"', page)
    return str(root)


def test_nobody_is_believed_unless_a_proxy_is_set(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url, tmp_path)
    assert root_of(app.test_client().get("/", headers=BELOW).text) == ""
    database(app).dispose()


@pytest.mark.parametrize("path", ["/sign-in", "/transcripts/sign-in"])
def test_the_path_may_be_taken_off_or_left(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=BELOW, follow_redirects=False)
    assert answer.status_code == 303  # nobody has an account yet
    assert answer.headers["Location"] == "/transcripts/set-up"


@pytest.mark.parametrize(
    "prefix",
    [
        "//evil.example",
        "https://evil.example",
        "/a//b",
        'x"y',
        "/a b",
        "name",
        "/%2e",
        "/a?b",
    ],
)
def test_what_is_no_path_is_ignored(client: FlaskClient, prefix: str) -> None:
    page = client.get("/set-up", headers={"X-Forwarded-Prefix": prefix}).text
    assert root_of(page) == ""


@pytest.mark.parametrize(
    ("said", "root"),
    [("/transcripts/", "/transcripts"), ("/a, /b/c", "/b/c"), ("/", ""), ("", "")],
)
def test_the_last_proxys_path_counts(client: FlaskClient, said: str, root: str) -> None:
    assert root_of(client.get("/set-up", headers={"X-Forwarded-Prefix": said}).text) == root


def test_no_address_of_a_page_leaves_the_path(client: FlaskClient) -> None:
    page = client.get("/set-up", headers=BELOW).text
    addresses = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert addresses
    assert [one for one in addresses if not one.startswith("/transcripts/")] == []


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/transcripts/jobs/1?t=5", "/transcripts/jobs/1?t=5"),
        ("/jobs/1", "/transcripts/"),
        ("/transcriptsevil/", "/transcripts/"),
        ("//evil.example/transcripts/", "/transcripts/"),
        ("/transcripts//evil.example", "/transcripts//evil.example"),
        ("", "/transcripts/"),
    ],
)
def test_no_redirect_leaves_the_path(client: FlaskClient, wanted: str, target: str) -> None:
    answer = client.get("/language/zh", query_string={"next": wanted}, headers=BELOW)
    assert answer.headers["Location"] == target
    assert "Path=/transcripts;" in answer.headers["Set-Cookie"]
