"""A person takes their data away and erases their account, on the page and by a program."""

from __future__ import annotations

import io
from zipfile import ZipFile

from flask import Flask

from shared import accounts, audit
from shared.audit import AuditFilter
from shared.db import Database
from shared.models import Job, User
from tests.support import factories
from tests.support.people import PASSWORD, a_person, an_admin, bearer, form_token, signed_in
from tests.support.web.web_app import submit


def test_all_of_it_is_downloaded_and_erased_with_the_password(app: Flask, rows: Database) -> None:
    an_admin(rows)
    bo = a_person(rows)
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, bo)["Authorization"]
    assert submit(program).status_code == 202
    client = signed_in(app, "Bo")
    page = client.get("/account/data").text
    assert "Erase the account" in page
    token = form_token(client, "/account/data")
    given = client.post(
        "/account/data/export",
        data={"csrf_token": token, "formats": ["srt", "txt"], "recordings": "yes"},
    )
    assert given.mimetype == "application/zip"
    names = ZipFile(io.BytesIO(given.data)).namelist()
    assert "README.txt" in names and "account/recordings.json" in names
    assert any(name.endswith("/recording.wav") for name in names)
    wrong = {"csrf_token": token, "password": "not this"}
    refused = client.post("/account/data/erase", data=wrong)
    assert refused.status_code == 401 and "not right" in refused.text
    assert factories.count(rows, Job) == 1
    done = client.post("/account/data/erase", data={"csrf_token": token, "password": PASSWORD})
    assert done.status_code == 303 and done.location.endswith("/sign-in")
    assert factories.count(rows, Job) == 0
    assert client.get("/account").status_code == 303
    assert program.get("/api/v1/me").status_code == 401


def test_a_program_needs_the_password_too(app: Flask, rows: Database) -> None:
    an_admin(rows)
    bo = a_person(rows)
    client, headers = app.test_client(), bearer(rows, bo)
    given = client.get("/api/v1/me/data?formats=&recordings=false", headers=headers)
    assert "account/account.json" in ZipFile(io.BytesIO(given.data)).namelist()
    assert client.get("/api/v1/me/data?formats=exe", headers=headers).status_code == 400
    wrong = client.delete("/api/v1/me", headers=headers, json={"password": "not this"})
    assert wrong.status_code == 401
    right = client.delete("/api/v1/me", headers=headers, json={"password": PASSWORD})
    assert right.status_code == 202, right.text
    assert right.json == {"jobs": 0, "running": 0, "others": 0}
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_an_administrator_erases_an_account_by_typing_its_name(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    client = signed_in(app, "Anna")
    path = f"/people/{bo.id}/erase"
    token = form_token(client, path)
    wrong = client.post(path, data={"csrf_token": token, "name": "Bob"})
    assert wrong.status_code == 400 and "as it stands here" in wrong.text
    last = client.post(f"/people/{anna.id}/erase", data={"csrf_token": token, "name": "Anna"})
    assert last.status_code == 409
    done = client.post(path, data={"csrf_token": token, "name": "Bo"})
    assert done.status_code == 303
    assert "being erased" in client.get("/people").text
    assert not signed_in_works(app)
    (asked,) = audit.page_of(rows, AuditFilter(kind="account.erasure_asked"), most=9)[0]
    assert (asked.actor_name, asked.subject_id) == ("Anna", bo.id)
    assert factories.count(rows, User) == 2
    assert accounts.people(rows)[1].erase_asked_at is not None


def signed_in_works(app: Flask) -> bool:
    client = app.test_client()
    form = {"csrf_token": form_token(client), "name": "Bo", "password": PASSWORD}
    return client.post("/sign-in", data=form).status_code == 303
