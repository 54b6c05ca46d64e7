"""Saved searches, over the API and the forms beside the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from tests.support import factories
from tests.support.web.web_app import database, make_app

ADDRESS = "/api/v1/searches"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def test_a_search_is_saved_renamed_and_deleted(client: FlaskClient) -> None:
    given = {"name": "预算", "show": "done", "q": "招聘", "tag": "Q4"}
    made = client.post(ADDRESS, json=given)
    assert made.status_code == 201
    saved: Any = made.json
    assert saved["page"] == "/?show=done&q=%E6%8B%9B%E8%81%98&tag=Q4"
    one = f"{ADDRESS}/{saved['id']}"
    renamed: Any = client.patch(one, json={"name": "Budget"}).json
    assert [search["name"] for search in renamed["searches"]] == ["Budget"]
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 404
    assert client.get(ADDRESS).json == {"searches": []}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "show": "odd"}, "show"),
        ({"show": "all"}, "name"),
        ({"name": "x", "q": "\u0958" * 150}, "q"),  # of which each becomes two
        ({"name": "x", "tag": "\u0958" * 50}, "tag"),
    ],
)
def test_what_cannot_be_saved_is_named(
    client: FlaskClient, body: dict[str, str], param: str
) -> None:
    answer: Any = client.post(ADDRESS, json=body)
    assert answer.status_code == 400
    assert answer.json["error"]["param"] == param


def test_the_forms_beside_the_list_work_without_a_script(
    client: FlaskClient, rows: Database
) -> None:
    factories.submit(rows)
    offered = '<details class="menu keep">'
    assert offered not in client.get("/").text  # nothing is narrowed down
    page = client.get("/?q=会议").text
    assert offered in page
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    form = {"csrf_token": token, "show": "all", "q": "会议", "tag": "", "person": ""}
    kept = client.post("/searches", data={**form, "name": "周会"})
    shown = client.get(kept.location).text
    assert 'href="/?q=%E4%BC%9A%E8%AE%AE" data-go aria-current="page">周会</a>' in shown
    (address,) = re.findall(r'action="(/searches/[^"]+)"', shown)
    client.post(address, data={"csrf_token": token, "name": "Standup", "do": "rename"})
    assert ">Standup</a>" in client.get("/").text
    client.post(address, data={"csrf_token": token, "do": "delete", "sure": "yes"})
    assert "Standup" not in client.get("/").text
    again = client.post(address, data={"csrf_token": token, "do": "delete", "sure": "yes"})
    assert again.status_code == 404
