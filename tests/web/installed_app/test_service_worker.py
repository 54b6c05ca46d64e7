"""The service worker and the page without a server: files of everybody, and of one version."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.web.web_app import make_app
from web.installed_app.views import static_files

PREFIX = {"X-Forwarded-Prefix": "/transcripts"}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Flask:
    return make_app(sqlite_url, tmp_path, sign_in="required", proxies=1)


def told(client: FlaskClient, language: str = "en", **headers: str) -> dict[str, Any]:
    answer = client.get("/service-worker.js", headers={"Accept-Language": language, **headers})
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    first, _, script = answer.text.partition("\n")
    assert 'addEventListener("fetch"' in script
    found: dict[str, Any] = json.loads(first.removeprefix("const OFFLINE = ").rstrip(";"))
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_keeps_only_what_a_stranger_gets_and_sets_no_cookie(
    client: FlaskClient, language: str
) -> None:
    paths = told(client, language)["paths"]
    assert paths[0] == "offline" and len(paths) == len(set(paths)) > 15
    assert any(re.fullmatch(r"static/v-\w+/js/recording/recorder\.js", path) for path in paths)
    assert any(path.startswith("words/zh-") for path in paths) is (language == "zh")
    for path in paths:
        answer = client.get(f"/{path}", headers={"Accept-Language": language})
        assert answer.status_code == 200, path
        assert "Set-Cookie" not in answer.headers, path
    page = client.get("/offline", headers={"Accept-Language": language}).text
    assert "csrf" not in page
    assert ("无法连接服务器" if language == "zh" else "The server is not reached") in page


def test_another_language_or_file_is_another_version(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = told(client)["version"]
    assert told(client)["version"] == english
    assert told(client, "zh")["version"] != english
    script = Path(str(app.static_folder)) / "js/recording/recording_store.js"
    other = Path(str(app.static_folder)) / "js/installed_app/offline.js"
    files = static_files(Path(str(app.static_folder)))
    for file in (script, other):
        assert str(file.relative_to(str(app.static_folder))) in files
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda file: read(file) + (b"\n" if file == script else b"")
    )
    assert told(client)["version"] != english


def test_below_a_path_all_is_below_it(client: FlaskClient) -> None:
    paths = told(client, "zh", **PREFIX)["paths"]
    assert not any(path.startswith(("/", "transcripts")) for path in paths)
    page = client.get("/offline", headers=PREFIX).text
    assert 'data-root="/transcripts"' in page
    (script,) = re.findall(r'src="/transcripts/(static/v-\w+/js/[^"]+)"', page)
    assert script in paths


def test_the_manifest_shares_with_an_address_of_the_scope(client: FlaskClient) -> None:
    manifest = json.loads(client.get("/static/manifest.webmanifest").data)
    target = manifest["share_target"]
    assert (target["action"], target["method"]) == ("../share", "POST")
    assert target["enctype"] == "multipart/form-data"
    assert manifest["scope"] == "../"
