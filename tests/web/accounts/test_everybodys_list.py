"""The list of replacements that holds for everybody: read by all, written by administrators."""

from __future__ import annotations

from flask import Flask

from shared.db import Database
from shared.words.replacements import lists
from shared.words.replacements.lists import EVERYBODY
from shared.words.replacements.pairs import Pair
from tests.support.people import a_person, an_admin, bearer, form_token, signed_in

ADDRESS = "/api/v1/replacements?list=everybody"
PAIR = {"wrong": "阿皮艾", "right": "API"}


def test_administrators_write_it_over_the_api(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows, "Bo")
    client = app.test_client()
    by_anna, by_bo = bearer(rows, anna), bearer(rows, bo)
    refused = client.post(ADDRESS, json=PAIR, headers=by_bo)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "forbidden")
    made = client.post(ADDRESS, json=PAIR, headers=by_anna)
    assert made.status_code == 201
    seen = client.get(ADDRESS, headers=by_bo).get_json()
    assert (seen["total"], seen["writable"]) == (1, False)
    text = "/api/v1/replacements/text?list=everybody"
    assert client.put(text, data=b"", headers=by_bo).status_code == 403
    one = f"/api/v1/replacements/{made.get_json()['id']}"
    assert client.delete(f"{one}?list=everybody", headers=by_bo).status_code == 403
    assert client.delete(one, headers=by_anna).status_code == 404  # of her own list
    assert lists.read_all(rows, EVERYBODY) == [Pair(**PAIR)]
    assert client.delete(f"{one}?list=everybody", headers=by_anna).status_code == 204


def test_the_page_offers_it_to_those_who_may(app: Flask, rows: Database) -> None:
    an_admin(rows)
    a_person(rows, "Bo")
    anna, bo = signed_in(app, "Anna"), signed_in(app, "Bo")
    form = {"csrf_token": form_token(anna, "/words"), "list": "everybody", **PAIR}
    assert anna.post("/words/replacements", data=form).status_code == 303
    form["csrf_token"] = form_token(bo, "/words")
    for address in ("/words/replacements", "/words/replacements/many"):
        assert bo.post(address, data={**form, "wrong": "甲"}).status_code == 403
    shown = bo.get("/words").text
    assert "阿皮艾" in shown and "Administrators write it." in shown
    assert 'value="everybody"' not in shown and 'value="everybody"' in anna.get("/words").text
    assert lists.read_all(rows, EVERYBODY) == [Pair(**PAIR)]
