"""Saved searches of a group: its members use and change them, and nobody else sees them."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from shared import accounts
from shared.db import Database
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, signed_in

SEARCHES = "/api/v1/searches"


@pytest.fixture
def group(rows: Database) -> str:
    """A group of Bo and Eve, beside whom there is Max."""
    made = accounts.add_group(rows, "Sales 二部").id
    an_admin(rows)
    for name in ("Bo", "Eve", "Max"):
        a_person(rows, name)
    for name in ("Bo", "Eve"):
        accounts.add_member(rows, made, name)
    return made


def test_members_use_and_change_them_over_the_api(app: Flask, rows: Database, group: str) -> None:
    client = app.test_client()
    people = {one.name: one for one in accounts.people(rows)}
    by_anna, by_bo, by_eve, by_max = (
        bearer(rows, people[name]) for name in ("Anna", "Bo", "Eve", "Max")
    )
    own = client.post(SEARCHES, json={"name": "Budget", "q": "预算"}, headers=by_bo).get_json()
    assert (own["group"], own["group_name"]) == (None, None)
    one = f"{SEARCHES}/{own['id']}"
    given = client.patch(one, json={"group": group}, headers=by_bo).get_json()["searches"]
    assert given == [own | {"group": group, "group_name": "Sales 二部"}]
    assert client.get(SEARCHES, headers=by_eve).get_json()["searches"] == given
    assert client.get(SEARCHES, headers=by_max).get_json() == {"searches": []}
    # An administrator writes those of every group, and is not shown them among their own.
    assert client.get(SEARCHES, headers=by_anna).get_json() == {"searches": []}
    of_group = client.get(f"{SEARCHES}?group={group}", headers=by_anna).get_json()
    assert of_group["searches"] == given
    second = {"name": "Talks"}
    made = client.post(f"{SEARCHES}?group={group}", json=second, headers=by_anna).get_json()
    assert made["group"] == group

    assert client.patch(one, json={"name": "x"}, headers=by_eve).status_code == 404
    in_group = f"{one}?group={group}"
    renamed = client.patch(in_group, json={"name": "Money"}, headers=by_eve).get_json()
    assert [found["name"] for found in renamed["searches"]] == ["Money", "Talks"]
    for refused in (
        client.get(f"{SEARCHES}?group={group}", headers=by_max),
        client.post(f"{SEARCHES}?group={group}", json=second, headers=by_max),
        client.patch(in_group, json={"name": "x"}, headers=by_max),
        client.delete(in_group, headers=by_max),
    ):
        error = refused.get_json()["error"]
        assert (refused.status_code, error["code"]) == (404, "group_not_found")
    for body in ({}, {"name": "x", "group": group}):
        assert client.patch(in_group, json=body, headers=by_bo).status_code == 400
    accounts.remove_member(rows, group, people["Bo"].id)
    assert client.get(SEARCHES, headers=by_bo).get_json() == {"searches": []}
    assert client.delete(in_group, headers=by_bo).status_code == 404
    assert client.delete(in_group, headers=by_eve).status_code == 204


def test_a_member_s_list_has_them_and_shows_by_them_what_is_theirs(
    app: Flask, rows: Database, group: str
) -> None:
    bo, eve, max_ = (signed_in(app, name) for name in ("Bo", "Eve", "Max"))
    people = {one.name: one.id for one in accounts.people(rows)}
    for name in ("Bo", "Eve"):
        factories.submit(rows, owner_id=people[name], filename=f"预算 {name}.wav")
    form = {"csrf_token": form_token(bo, "/"), "show": "all", "q": "预算", "tag": "", "person": ""}
    kept = bo.post("/searches", data={**form, "name": "Budget"})
    (folder,) = re.findall(r'action="(/searches/[^"]+)"', bo.get(kept.location).text)
    answer = bo.post(folder, data={**form, "do": "give", "to": group}, follow_redirects=True)
    assert "the group&#39;s now" in answer.text and "Sales 二部:" in answer.text
    shown = eve.get(kept.location).text
    assert 'data-go aria-current="page">Budget</a>' in shown and "Sales 二部:" in shown
    assert "预算 Eve" in shown and "预算 Bo" not in shown
    eve.set_cookie("longscribe_language", "zh")
    assert "Sales 二部 的所有成员都可以使用" in eve.get("/").text
    assert "Budget" not in max_.get("/").text
    theirs = {"csrf_token": form_token(max_, "/"), "group": group, "do": "delete"}
    assert max_.post(folder, data=theirs).status_code == 404
    of_group = {"csrf_token": form_token(eve, "/"), "group": group}
    assert eve.post(folder, data={**of_group, "group": "x"}).status_code == 400
    eve.post(folder, data={**of_group, "do": "rename", "name": "Money"})
    assert ">Money</a>" in bo.get("/").text
    eve.post(folder, data={**of_group, "do": "delete"})
    assert ">Money</a>" not in bo.get("/").text
