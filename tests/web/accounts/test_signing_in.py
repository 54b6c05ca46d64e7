"""Signing in over HTTP: the first account, the sign-in page and its cookie."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts
from shared.accounts.set_up import set_up_code
from shared.db import Database
from tests.support import factories
from tests.support.people import (
    PASSWORD,
    an_admin,
    bearer,
    form_token,
    sign_in,
    signed_in,
)
from tests.support.web.web_app import database, make_app, submit


def code(app: Flask) -> str:
    return set_up_code(app.extensions["longscribe"].settings)


def session_cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("longscribe")
    assert cookie is not None
    return cookie.value


def test_the_first_visitor_sets_up_with_the_code_of_the_log(
    app: Flask, client: FlaskClient, rows: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before = factories.submit(rows)  # recorded while nobody signed in
    assert client.get("/", follow_redirects=True).request.path == "/set-up"
    assert code(app) in caplog.text
    form = {"csrf_token": form_token(client), "name": "Anna", "password": PASSWORD}
    assert client.post("/set-up", data={**form, "code": "aaaa-bbbb-cccc"}).status_code == 400
    assert not accounts.is_set_up(rows)
    refused = client.post("/set-up", data={**form, "code": code(app), "password": "short"})
    assert refused.status_code == 400 and 'aria-invalid="true"' in refused.text
    done = client.post("/set-up", data={**form, "code": code(app).upper().replace("-", " ")})
    assert (done.status_code, done.location) == (303, "/")
    assert before in client.get("/").text
    assert client.get("/people").status_code == 200


def test_nobody_sets_up_twice(app: Flask, client: FlaskClient, rows: Database) -> None:
    token = form_token(client, "/set-up")
    an_admin(rows)
    assert client.get("/set-up").location == "/sign-in"
    form = {"csrf_token": token, "name": "Eve", "password": PASSWORD, "code": code(app)}
    assert client.post("/set-up", data=form).location == "/sign-in"
    assert [person.name for person in accounts.people(rows)] == ["Anna"]


def test_the_code_is_not_guessed(app: Flask, client: FlaskClient) -> None:
    form = {"csrf_token": form_token(client, "/set-up"), "name": "Eve", "password": PASSWORD}
    for _ in range(3):
        assert client.post("/set-up", data={**form, "code": "wrong"}).status_code == 400
    answer = client.post("/set-up", data={**form, "code": code(app)})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_page_asks_to_sign_in_and_then_is_shown(client: FlaskClient, rows: Database) -> None:
    anna = an_admin(rows)
    job_id = factories.submit(rows, owner_id=anna.id, filename="会议.wav")
    asked = client.get(f"/jobs/{job_id}?x=1")
    assert asked.status_code == 303
    assert asked.location == f"/sign-in?next=/jobs/{job_id}?x%3D1"
    page = client.get(asked.location).text
    target = re.search(r'name="next" value="([^"]+)"', page)
    assert target is not None and target[1] == f"/jobs/{job_id}?x=1"
    entered = sign_in(client, "anna", next=target[1])
    assert (entered.status_code, entered.location) == (303, target[1])
    shown = client.get(entered.location)
    assert "会议.wav" in shown.text and "Anna" in shown.text
    assert client.get("/sign-in").location == "/"


def test_a_wrong_password_is_told_and_the_name_is_kept(client: FlaskClient, rows: Database) -> None:
    an_admin(rows)
    answer = sign_in(client, "Anna", "not the password")
    assert answer.status_code == 401
    assert "The name or the password is not right." in answer.text
    assert 'value="Anna"' in answer.text and "not the password" not in answer.text
    assert sign_in(client, "Nobody", PASSWORD).text.count("is not right") == 1
    assert client.get("/").status_code == 303


def test_too_many_wrong_passwords_are_told_with_the_time_to_wait(
    client: FlaskClient, rows: Database
) -> None:
    an_admin(rows)
    for _ in range(3):
        assert sign_in(client, "Anna", "wrong").status_code == 401
    answer = sign_in(client, "Anna")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 901
    assert "Wait some minutes" in answer.text


def test_whoever_has_many_addresses_of_one_network_has_no_more_attempts(
    app: Flask, rows: Database
) -> None:
    an_admin(rows)
    answers = []
    for number in range(1, 5):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2:{number}::{number}"
        answers.append(sign_in(client, "Anna", "wrong").status_code)
    assert answers == [401, 401, 401, 429]
    neighbour = app.test_client()
    neighbour.environ_base["REMOTE_ADDR"] = "2001:db8:1:3::1"
    assert sign_in(neighbour, "Anna").status_code == 303


def test_signing_in_takes_a_new_cookie_and_leaves_nothing_of_the_old_one(
    app: Flask, client: FlaskClient, rows: Database
) -> None:
    an_admin(rows)
    planted, token = "", form_token(client)
    planted = session_cookie(client)
    assert sign_in(client, "Anna").status_code == 303
    assert session_cookie(client) != planted
    # Whoever planted the first cookie has none that is signed in, and no form token that counts.
    stranger = app.test_client()
    stranger.set_cookie("longscribe", planted)
    assert stranger.get("/").status_code == 303
    assert client.post("/sign-out", data={"csrf_token": token}).status_code == 400
    assert client.get("/").status_code == 200


def test_the_cookie_is_out_of_reach_for_scripts_other_sites_and_plain_http(
    sqlite_url: str, tmp_path: Path
) -> None:
    app = make_app(sqlite_url, tmp_path, sign_in="required", proxies=1)
    an_admin(database(app))
    client = app.test_client()
    answers = {}
    for scheme in ("http", "https"):
        header = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.9"}
        page = client.get("/sign-in", headers=header).text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        form = {"csrf_token": found[1], "name": "Anna", "password": PASSWORD}
        secure = {"Referer": f"{scheme}://localhost/sign-in"}
        answer = client.post("/sign-in", data=form, headers=header | secure)
        assert answer.status_code == 303, answer.text
        answers[scheme] = SimpleCookie(answer.headers["Set-Cookie"])["longscribe"]
        client = app.test_client()
    for scheme, cookie in answers.items():
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
        assert bool(cookie["secure"]) is (scheme == "https")
    database(app).dispose()


def test_signing_out_ends_the_cookie_wherever_it_was_copied(
    app: Flask, client: FlaskClient, rows: Database
) -> None:
    an_admin(rows)
    sign_in(client, "Anna")
    copy = app.test_client()
    copy.set_cookie("longscribe", session_cookie(client))
    assert copy.get("/").status_code == 200
    done = client.post("/sign-out", data={"csrf_token": form_token(client, "/")})
    assert done.location == "/sign-in"
    assert done.headers["Clear-Site-Data"] == '"cache"'
    assert client.get("/").status_code == 303
    assert copy.get("/").status_code == 303


def test_signing_out_everywhere_ends_the_others(app: Flask, rows: Database) -> None:
    an_admin(rows)
    here, there = signed_in(app, "Anna"), signed_in(app, "Anna")
    here.post("/sign-out-everywhere", data={"csrf_token": form_token(here, "/account")})
    assert here.get("/").status_code == 303
    assert there.get("/").status_code == 303


def test_a_stale_fragment_says_that_it_is_rather_than_showing_the_sign_in_page_in_the_list(
    client: FlaskClient, rows: Database
) -> None:
    an_admin(rows)
    assert client.get("/fragments/jobs").status_code == 401
    fetched = client.get("/", headers={"Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 401


def test_a_page_that_a_script_asks_for_in_vain_begins_no_session(
    client: FlaskClient, rows: Database
) -> None:
    an_admin(rows)
    fetched = client.get("/account", headers={"Sec-Fetch-Mode": "cors"})
    assert (fetched.status_code, fetched.mimetype) == (401, "text/html")
    # It would take the place of that in which somebody signs in, in another tab.
    assert "Set-Cookie" not in fetched.headers
    # Nor does it take what is to be said on the page to sign in, with what that wrote into its own.
    sign_in(client, "Anna")
    client.post("/sign-out", data={"csrf_token": form_token(client, "/")})
    fetched = client.get("/fragments/jobs")
    assert fetched.status_code == 401
    assert "Set-Cookie" not in fetched.headers
    assert "You are signed out." in client.get("/sign-in").text


def test_a_program_is_told_in_json_that_it_must_sign_in_whatever_it_asks_for(
    app: Flask, rows: Database
) -> None:
    anna = an_admin(rows)
    program = app.test_client()
    accepts = {"Accept": "application/json"}
    for path, headers in (("/v2/jobs", {}), ("/api/v2/jobs", {}), ("/jobs", accepts)):
        answer = program.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.json["error"]["code"] == "unauthorized"  # type: ignore[index]
    assert program.get("/jobs").location == "/sign-in?next=/jobs"
    for path in ("/v2/jobs", "/api/v2/jobs"):
        answer = program.get(path, headers=bearer(rows, anna))
        assert answer.status_code == 404, path
        assert answer.json["error"]["code"] == "not_found"  # type: ignore[index]
    # A key opens no page, whatever the program prefers.
    assert program.get("/", headers={**bearer(rows, anna), **accepts}).status_code == 401


def test_without_sign_in_there_are_no_accounts_to_see(sqlite_url: str, tmp_path: Path) -> None:
    client = make_app(sqlite_url, tmp_path).test_client()
    for path in ("/sign-in", "/set-up", "/account", "/people"):
        assert client.get(path).status_code == 404
    assert "Sign out" not in client.get("/").text
    assert submit(client).status_code == 202
    assert client.get("/metrics").status_code == 200


def test_an_outage_of_the_database_is_told_as_such_to_who_is_signed_in(
    app: Flask, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_admin(rows)
    client = signed_in(app, "Anna")
    gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    for name, value in vars(gone).items():
        monkeypatch.setattr(app.extensions["longscribe"].db, name, value)
    for path in ("/", "/api/v1/jobs"):
        assert client.get(path).status_code == 503
