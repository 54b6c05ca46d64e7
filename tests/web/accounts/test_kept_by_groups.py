"""Saved searches and templates of a group: its members use and change them, and nobody else sees
them."""

from __future__ import annotations

import io
import re
from urllib.parse import quote

import pytest
from flask import Flask

from shared import accounts
from shared.accounts import GroupRecord
from shared.db import Database
from shared.models import HotwordList, NamedReportTemplate, ReplacementList, SavedSearch
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, signed_in

SEARCHES = "/api/v1/searches"
TEMPLATES = "/api/v1/report-templates"
BOARD = f"{TEMPLATES}/{quote('董事会')}"


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
    for body in ({}, {"name": "x", "group": group}, {"name": "x", "group": None}):
        assert client.patch(in_group, json=body, headers=by_bo).status_code == 400
    back = {"json": {"group": None}, "headers": by_bo}
    assert client.patch(in_group, json={"group": None}, headers=by_max).status_code == 404
    taken = client.patch(in_group, **back).get_json()["searches"]
    assert [(one["name"], one["group"]) for one in taken] == [("Money", None), ("Talks", group)]
    assert client.patch(in_group, **back).status_code == 404  # the group has it no more
    assert "Money" not in client.get(SEARCHES, headers=by_eve).text
    assert client.patch(one, json={"group": group}, headers=by_bo).status_code == 200
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
    for address in (folder, "/report-templates/A/give"):
        answer = bo.post(address, data={**form, "do": "give", "to": ""}, follow_redirects=True)
        assert answer.status_code == 200 and "choose a group to give it to" in answer.text
        assert "the group&#39;s now" not in answer.text
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
    back = bo.post(folder, data={**form, "group": group, "do": "take"}, follow_redirects=True)
    assert "yours alone now" in back.text and "Sales 二部:" not in back.text
    assert ">Money</a>" in back.text and ">Money</a>" not in eve.get("/").text
    bo.post(folder, data={**form, "do": "give", "to": group})
    eve.post(folder, data={**of_group, "do": "delete", "sure": "yes"})
    assert ">Money</a>" not in bo.get("/").text


def test_members_export_by_its_templates_and_change_them(
    app: Flask, rows: Database, group: str
) -> None:
    client = app.test_client()
    people = {one.name: one for one in accounts.people(rows)}
    by_bo, by_eve, by_max = (bearer(rows, people[name]) for name in ("Bo", "Eve", "Max"))
    jobs = {
        name: factories.a_job(rows, JobStatus.COMPLETED, owner_id=people[name].id)
        for name in ("Eve", "Max")
    }
    own = client.put(BOARD, data=b"own: {{title}}", headers=by_bo).get_json()
    assert (own["group"], own["group_name"]) == (None, None)
    (given,) = client.patch(BOARD, json={"group": group}, headers=by_bo).get_json()["templates"]
    address = f"{BOARD}?group={group}"
    moved = {"group": group, "group_name": "Sales 二部", "address": address}
    assert given == own | moved | {"at": given["at"]}  # stored once
    assert given["at"] >= own["at"]
    assert client.get(BOARD, headers=by_bo).status_code == 404
    assert client.get(TEMPLATES, headers=by_eve).get_json()["templates"] == [given]
    assert client.get(TEMPLATES, headers=by_max).get_json()["templates"] == []

    client.put(BOARD, data=b"Eve's: {{title}}", headers=by_eve)
    report = f"/api/v1/jobs/{jobs['Eve']}/report?template=董事会"
    assert client.get(report, headers=by_eve).text.startswith("Eve's: ")
    assert client.get(f"{report}&group={group}", headers=by_eve).text.startswith("own: ")
    taken = client.patch(BOARD, json={"group": group}, headers=by_eve)
    assert (taken.status_code, taken.get_json()["error"]["code"]) == (409, "template_name_taken")
    replaced = client.put(address, data=b"ours: {{title}}", headers=by_eve).get_json()
    assert (replaced["group"], replaced["size_bytes"]) == (group, 15)
    assert client.get(address, headers=by_bo).data == b"ours: {{title}}"
    assert client.get(f"{report}&group={group}", headers=by_eve).text.startswith("ours: ")
    clash = client.patch(address, json={"group": None}, headers=by_eve)
    assert (clash.status_code, clash.get_json()["error"]["code"]) == (409, "template_name_taken")
    back = client.patch(address, json={"group": None}, headers=by_bo).get_json()["templates"]
    assert [(one["group"], one["size_bytes"]) for one in back] == [(None, 15)]
    assert client.get(address, headers=by_eve).status_code == 404
    client.patch(BOARD, json={"group": group}, headers=by_bo)
    nameless = f"/api/v1/jobs/{jobs['Eve']}/report?group={group}"
    assert client.get(nameless, headers=by_eve).status_code == 400

    theirs = f"/api/v1/jobs/{jobs['Max']}/report?template=董事会&group={group}"
    for refused in (
        client.get(theirs, headers=by_max),
        client.get(f"{TEMPLATES}?group={group}", headers=by_max),
        client.get(address, headers=by_max),
        client.put(address, data=b"{{title}}", headers=by_max),
        client.patch(address, json={"group": group}, headers=by_max),
        client.patch(address, json={"group": None}, headers=by_max),
        client.delete(address, headers=by_max),
    ):
        error = refused.get_json()["error"]
        assert (refused.status_code, error["code"]) == (404, "group_not_found")
    accounts.remove_member(rows, group, people["Bo"].id)  # whose it was
    assert client.get(TEMPLATES, headers=by_bo).get_json()["templates"] == []
    assert client.get(address, headers=by_bo).status_code == 404
    assert client.delete(address, headers=by_eve).status_code == 204
    assert client.get(f"{report}&group={group}", headers=by_eve).status_code == 404


def test_templates_are_given_to_a_group_and_chosen_on_the_pages(
    app: Flask, rows: Database, group: str
) -> None:
    bo, eve, max_ = (signed_in(app, name) for name in ("Bo", "Eve", "Max"))
    people = {one.name: one.id for one in accounts.people(rows)}
    job = factories.a_job(rows, JobStatus.COMPLETED, owner_id=people["Eve"])
    at = "/report-template"
    form = {"csrf_token": form_token(bo, at)}

    def sent(name: str, of_group: str) -> None:
        file = (io.BytesIO(b"{{title}}"), "a.md")
        data = {**form, "name": name, "group": of_group, "file": file}
        assert bo.post("/report-templates", data=data).location == f"{at}#named"

    sent("Board", "")
    sent("Letter", group)
    assert "of Sales 二部," in bo.get(at).text and "Board" not in eve.get(at).text
    bo.post("/report-templates/Board/give", data={**form, "to": group})
    sent("Board", "")
    again = bo.post(
        "/report-templates/Board/give", data={**form, "to": group}, follow_redirects=True
    )
    assert "A template of this name is already there" in again.text
    shown = eve.get(f"/jobs/{job}").text
    for name in ("Board", "Letter"):
        assert f"{name} (Sales 二部):" in shown
        assert f"report?template={name}&amp;group={group}&amp;kind=docx" in shown
    eve.set_cookie("longscribe_language", "zh")
    assert "Board（Sales 二部）" in eve.get(f"/jobs/{job}").text
    assert "属于 Sales 二部" in eve.get(at).text
    for page in (max_.get(at), max_.get("/")):
        assert "Sales" not in page.text
    theirs = {"csrf_token": form_token(max_, at), "group": group}
    for do in ("delete", "take"):
        assert max_.post(f"/report-templates/Board/{do}", data=theirs).status_code == 404
    back = {**form, "group": group}
    clash = bo.post("/report-templates/Board/take", data=back, follow_redirects=True)
    assert "A template of this name is already there" in clash.text
    bo.post("/report-templates/Board/delete", data={**form, "sure": "yes"})
    assert "Take the template Board out of Sales 二部" in bo.get(at).text
    mine = bo.post("/report-templates/Board/take", data=back, follow_redirects=True)
    assert "Board is yours alone now" in mine.text and ">Board</a>" not in eve.get(at).text
    bo.post("/report-templates/Board/give", data={**form, "to": group})
    sent("Board", "")
    deleted = {"csrf_token": form_token(eve, at), "group": group, "sure": "yes"}
    assert eve.post("/report-templates/Board/delete", data=deleted).status_code == 303
    left = eve.get(at).text
    assert ">Board</a>" not in left and ">Letter</a>" in left
    accounts.delete_group(rows, group)
    assert ">Letter</a>" not in eve.get(at).text and ">Board</a>" in bo.get(at).text


def test_nothing_is_kept_of_a_request_while_which_the_group_is_deleted(
    app: Flask, rows: Database, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    by_bo = bearer(rows, next(one for one in accounts.people(rows) if one.name == "Bo"))
    group_of = accounts.group_of

    def deleted_once_it_was_seen(db: Database, user_id: str, group_id: str) -> GroupRecord:
        seen = group_of(db, user_id, group_id)
        accounts.delete_group(db, group_id)
        return seen

    monkeypatch.setattr(accounts, "group_of", deleted_once_it_was_seen)
    pair = {"wrong": "阿皮艾", "right": "API"}
    for method, address, body in (
        ("POST", SEARCHES, {"json": {"name": "Budget", "q": "预算"}}),
        ("PUT", BOARD, {"data": b"{{title}}"}),
        ("PUT", "/api/v1/hotwords", {"json": {"words": ["集群"]}}),
        ("POST", "/api/v1/replacements", {"json": pair}),
    ):
        brief = accounts.add_group(rows, "Brief").id
        accounts.add_member(rows, brief, "Bo")
        where = f"{address}?group={brief}"
        refused = client.open(where, method=method, headers=by_bo, **body)
        error = refused.get_json()["error"]
        assert (refused.status_code, error["code"]) == (404, "group_not_found"), address
    for table in (SavedSearch, NamedReportTemplate, HotwordList, ReplacementList):
        assert factories.count(rows, table) == 0
