"""The manifest by which the pages can be installed as an app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def test_the_app_begins_at_the_front_page_and_has_its_icon(client: FlaskClient) -> None:
    address = "/static/manifest.webmanifest"
    assert f'<link rel="manifest" href="{address}">' in client.get("/").text
    response = client.get(address)
    assert response.mimetype == "application/manifest+json"
    manifest = response.json
    assert manifest is not None
    assert urljoin(address, manifest["start_url"]) == urljoin(address, manifest["scope"]) == "/"
    for icon in manifest["icons"]:
        assert client.get(urljoin(address, icon["src"])).mimetype == icon["type"]
    assert {urljoin(address, one["action"]) for one in manifest["file_handlers"]} == {"/"}
