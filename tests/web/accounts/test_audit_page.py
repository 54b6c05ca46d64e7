"""The audit log on its page and in the API: filtered, by pages, and as files."""

from __future__ import annotations

import csv
import io
import json

from flask import Flask

from shared import accounts
from shared.audit import KINDS
from shared.audit.export import harmless
from shared.db import Database
from tests.support.people import a_person, an_admin, bearer, form_token, sign_in, signed_in
from web.api.audit.schemas import AuditQuery


def test_an_administrator_filters_pages_and_exports_it(app: Flask, rows: Database) -> None:
    an_admin(rows)
    bo = a_person(rows, "=cmd|'/c calc'!A1")
    sign_in(app.test_client(), bo.name, "wrong")
    client = signed_in(app, "Anna")
    token = form_token(client, "/people")
    answer = client.post(f"/people/{bo.id}/disable", data={"csrf_token": token, "sure": "yes"})
    assert answer.status_code == 303
    page = client.get("/audit")
    assert page.status_code == 200
    for text in ("Account disabled", "Sign-in refused", "in a browser", "127.0.0.1"):
        assert text in page.text
    assert answer.headers["X-Request-ID"] in page.text
    of_bo = client.get("/audit", query_string={"account": bo.id, "kind": "sign_in"}).text
    assert "Sign-in refused" in of_bo and "Account disabled" not in of_bo
    assert "Nothing was recorded" in client.get("/audit?since=2999-01-01").text
    client.set_cookie("longscribe_language", "zh")
    assert "停用账号" in client.get("/audit").text
    older = client.get("/audit?limit=1").text
    assert "更早的记录" in older and "before=" in older

    given = client.get("/audit/export?kind=account")
    assert given.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(given.get_data().decode("utf-8-sig"))))
    assert [line["act"] for line in lines] == ["account.disabled", "account.added", "account.added"]
    assert lines[0]["about"] == f"'{bo.name}" and lines[0]["account"] == "Anna"


def test_a_program_of_an_administrator_reads_it_and_nobody_elses_does(
    app: Flask, rows: Database
) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    client, headers = app.test_client(), bearer(rows, anna)
    first = client.get("/api/v1/audit?account=anna&limit=1", headers=headers)
    assert first.status_code == 200, first.text
    (entry,) = first.json["entries"]  # type: ignore[index]
    assert (entry["act"], entry["about"], entry["means"]) == ("key.made", "Anna", "server")
    rest = client.get(
        "/api/v1/audit",
        query_string={"account": anna.id, "before": first.json["next_before"]},  # type: ignore[index]
        headers=headers,
    )
    assert [one["act"] for one in rest.json["entries"]] == ["account.added"]  # type: ignore[index]
    accounts.set_admin(rows, bo.id, False)
    lines = client.get("/api/v1/audit/export?format=jsonl", headers=headers).text.splitlines()
    assert json.loads(lines[0])["act"] == "audit.exported"
    assert json.loads(lines[0])["means"] == "api_key"
    assert len(lines) == 4
    assert client.get("/api/v1/audit?since=yesterday", headers=headers).status_code == 400
    assert client.get("/api/v1/audit?account=nobody", headers=headers).status_code == 404
    for path in ("/api/v1/audit", "/api/v1/audit/export"):
        assert client.get(path, headers=bearer(rows, bo)).status_code == 403
        assert client.get(path).status_code == 401
    browser = signed_in(app, "Bo")
    assert browser.get("/audit").status_code == 403
    assert "/audit" not in browser.get("/account").text


def test_the_api_names_every_kind() -> None:
    described = AuditQuery.model_fields["kind"].description or ""
    assert [kind for kind in KINDS if f"`{kind}`" not in described] == []


def test_no_cell_is_carried_out() -> None:
    for text in ("=1", "+1", "-1", "@a", "\tx", "\rx"):
        assert harmless(text) == f"'{text}"
