"""Scripts and styles, which a browser keeps for good under an address that changes with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.web.web_app import make_app
from web.http.static_files import version_of, version_static_files

FOR_GOOD = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache, max-age=0"
PREFIX = {"X-Forwarded-Prefix": "/transcripts"}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Flask:
    return make_app(sqlite_url, tmp_path, proxies=1)


def addresses(client: FlaskClient, **headers: str) -> list[str]:
    """Addresses of the scripts, styles and pictures that the front page names."""
    page = client.get("/", headers=headers).text
    return re.findall(r'(?:src|href)="(/[^"]*(?<!\.webmanifest))"', page.replace("&amp;", "&"))


def test_a_browser_asks_for_each_once(client: FlaskClient) -> None:
    named = [address for address in addresses(client) if address.startswith("/static/")]
    assert len(named) >= 4
    (version,) = {address.split("/")[2] for address in named}
    assert version.startswith("v-")
    for address in named:
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOR_GOOD)
        plain = client.get(address.replace(f"/{version}", ""))
        assert (plain.data, plain.headers["Cache-Control"]) == (answer.data, REVALIDATED)


def test_of_another_version_nothing_is_kept(client: FlaskClient) -> None:
    answer = client.get("/static/v-0123456789ab/js/main.js")
    assert answer.data == client.get("/static/js/main.js").data
    assert answer.headers["Cache-Control"] == REVALIDATED
    assert client.get("/static/v-0123456789ab/js/none.js").status_code == 404


def test_nothing_is_kept_of_a_file_that_was_replaced_under_a_running_server(tmp_path: Path) -> None:
    """An upgrade writes it before the restart. Who goes back has this version's address again."""
    for name in ("one.js", "two.js"):
        (tmp_path / name).write_text("1")
    app = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    version_static_files(app)
    client = app.test_client()
    at = f"/static/v-{version_of(tmp_path)}"
    assert client.get(f"{at}/one.js").headers["Cache-Control"] == FOR_GOOD
    (tmp_path / "new").write_text("2")
    (tmp_path / "new").rename(tmp_path / "one.js")
    replaced = client.get(f"{at}/one.js")
    assert (replaced.text, replaced.headers["Cache-Control"]) == ("2", "no-cache")
    assert client.get(f"{at}/two.js").headers["Cache-Control"] == FOR_GOOD


def test_below_a_path_they_are_below_it(client: FlaskClient) -> None:
    assert [address for address in addresses(client, **PREFIX) if "static" in address] == [
        f"/transcripts{address}" for address in addresses(client) if "static" in address
    ]


def test_another_file_is_another_version(tmp_path: Path) -> None:
    file = tmp_path / "one.js"
    file.write_text("1")
    before = version_of(tmp_path)
    assert version_of(tmp_path) == before
    file.write_text("2")
    changed = version_of(tmp_path)
    file.write_text("1")
    file.rename(tmp_path / "two.js")
    assert len({before, changed, version_of(tmp_path)}) == 3


@pytest.mark.parametrize(
    "asked", ["bytes=0-0,5-6", "lines=1-2", "bytes=--5", "bytes=" + "9" * 5000]
)
def test_a_part_that_is_not_understood_is_all_of_it(client: FlaskClient, asked: str) -> None:
    whole = client.get("/static/icon.svg").data
    answer = client.get("/static/icon.svg", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, whole)
    part = client.get("/static/icon.svg", headers={"Range": "bytes=1-4"})
    assert (part.status_code, part.data) == (206, whole[1:5])
    head = client.head("/static/icon.svg", headers={"Range": "bytes=1-4"})
    assert (head.status_code, int(head.headers["Content-Length"])) == (200, len(whole))
