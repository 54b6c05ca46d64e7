"""The lists of words of a group, on the pages and over the API: its members write them, and nobody
else sees them."""

from __future__ import annotations

from flask import Flask

from shared import accounts, audit
from shared.audit import Act, AuditFilter
from shared.db import Database
from shared.words.hotwords import read_list
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support.people import a_person, an_admin, bearer, form_token, signed_in
from tests.support.web.web_app import submit


def test_members_write_them_over_the_api(app: Flask, rows: Database) -> None:
    anna, bo, eve = an_admin(rows), a_person(rows, "Bo"), a_person(rows, "Eve")
    group = accounts.add_group(rows, "Sales").id
    accounts.add_member(rows, group, "Bo")
    client = app.test_client()
    pairs, words = f"/api/v1/replacements?group={group}", f"/api/v1/hotwords?group={group}"
    pair = {"wrong": "阿皮艾", "right": "API"}
    by_bo, by_eve = bearer(rows, bo), bearer(rows, eve)
    assert client.post(pairs, json=pair, headers=by_bo).status_code == 201
    assert client.put(words, json={"words": ["网关"]}, headers=by_bo).status_code == 200
    told = client.get(pairs, headers=bearer(rows, anna)).get_json()
    assert (told["total"], told["writable"]) == (1, True)
    for refused in (
        client.get(pairs, headers=by_eve),
        client.post(pairs, json=pair, headers=by_eve),
        client.put(words, json={"words": []}, headers=by_eve),
    ):
        assert (refused.status_code, refused.get_json()["error"]["code"]) == (
            404,
            "group_not_found",
        )
    both = client.get(f"{pairs}&list=everybody", headers=by_bo)
    assert both.status_code == 400 and "Give one of them" in both.text
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = by_bo["Authorization"]
    accepted = submit(program).get_json()
    given = client.get(accepted["links"]["hotwords"], headers=by_bo).get_json()
    assert (given["groups"], given["own"]) == (["网关"], [])
    accounts.remove_member(rows, group, bo.id)
    assert client.get(words, headers=by_bo).status_code == 404


def test_a_group_has_a_page_of_its_words(app: Flask, rows: Database) -> None:
    an_admin(rows)
    for name in ("Bo", "Eve"):
        a_person(rows, name)
    group = accounts.add_group(rows, "Sales 二部").id
    accounts.add_member(rows, group, "Bo")
    bo, eve = signed_in(app, "Bo"), signed_in(app, "Eve")
    page = f"/words/groups/{group}"
    assert page in bo.get("/words").text and page not in eve.get("/words").text
    form = {"csrf_token": form_token(bo, page), "list": group}
    added = bo.post("/words/replacements", data={**form, "wrong": "甲", "right": "乙"})
    assert added.location == f"{page}#replacements-group"
    many = {**form, "pairs": "丙 => 丁\nno pair"}
    refused = bo.post("/words/replacements/many", data=many)
    assert refused.status_code == 400 and "List of Sales 二部" in refused.text
    kept = bo.post("/words/hotwords", data={**form, "words": "网关"})
    assert kept.location == f"{page}#hotwords-group"
    shown = bo.get(page).text
    assert "Words of Sales 二部" in shown and "甲" in shown and "网关" in shown
    assert f"/api/v1/replacements/text?group={group}" in shown
    assert lists.read_all(rows, group) == [Pair("甲", "乙")]
    assert read_list(rows, group).words == ("网关",)
    assert "of your groups" in bo.get("/words/hotwords/hint").text
    assert eve.get(page).status_code == 404
    theirs = {"csrf_token": form_token(eve, "/words"), "list": group, "wrong": "甲", "right": "x"}
    assert eve.post("/words/replacements", data=theirs).status_code == 404
    assert eve.post("/words/replacements", data={**theirs, "list": "x"}).status_code == 400
    assert lists.read_all(rows, group) == [Pair("甲", "乙")]


def test_who_changes_them_is_in_the_audit_log_without_the_words(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows, "Bo")
    group = accounts.add_group(rows, "Sales").id
    accounts.add_member(rows, group, "Bo")
    client, by_bo = app.test_client(), bearer(rows, bo)
    pairs, words = f"/api/v1/replacements?group={group}", f"/api/v1/hotwords?group={group}"
    text = f"/api/v1/replacements/text?group={group}"
    pair = client.post(pairs, json={"wrong": "甲", "right": "乙"}, headers=by_bo).get_json()
    client.post(pairs, json={"wrong": "甲", "right": "乙"}, headers=by_bo)  # changes nothing
    client.put(text, data="甲 => 丙\n丁 => 戊".encode(), headers=by_bo)
    (_, second) = client.get(pairs, headers=by_bo).get_json()["replacements"]
    assert second["id"] != pair["id"]
    one = f"/api/v1/replacements/{second['id']}?group={group}"
    assert client.delete(one, headers=bearer(rows, anna)).status_code == 204
    client.put(words, json={"words": ["网关", "集群"]}, headers=by_bo)
    client.put(words, json={"words": ["集群", "网关"]}, headers=by_bo)  # likewise
    client.put(words, json={"words": ["集群", "达摩院", "支付宝"]}, headers=by_bo)
    client.put("/api/v1/hotwords", json={"words": ["网关"]}, headers=by_bo)  # one's own list
    lists.put(rows, bo.id, [Pair("甲", "乙")], only=True)
    entries, _ = audit.page_of(rows, AuditFilter(kind="group"), most=50)
    told = [
        (one.act, one.actor_id, one.object_id, one.detail)
        for one in reversed(entries)
        if one.act in (Act.GROUP_PAIRS_CHANGED, Act.GROUP_HOTWORDS_CHANGED)
    ]
    assert told == [
        (act.value, who.id, group, {"name": "Sales", "added": added, "removed": removed})
        for act, who, added, removed in (
            (Act.GROUP_PAIRS_CHANGED, bo, 1, 0),
            (Act.GROUP_PAIRS_CHANGED, bo, 2, 1),
            (Act.GROUP_PAIRS_CHANGED, anna, 0, 1),
            (Act.GROUP_HOTWORDS_CHANGED, bo, 2, 0),
            (Act.GROUP_HOTWORDS_CHANGED, bo, 2, 1),
        )
    ]
