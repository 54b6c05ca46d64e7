"""Signing in over HTTP: what needs an account, and what a cookie and an API key allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts, jobs
from shared.accounts.set_up import set_up_code
from shared.db import Database
from tests.support import factories
from tests.support.people import (
    PASSWORD,
    a_person,
    an_admin,
    bearer,
    form_token,
    quick_hashes,
    sign_in,
    signed_in,
)
from tests.support.web.web_app import database, make_app, submit


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, sign_in="required", sign_in_attempts=3)
    yield made
    database(made).dispose()


def code(app: Flask) -> str:
    return set_up_code(app.extensions["longscribe"].settings)


def session_cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("longscribe")
    assert cookie is not None
    return cookie.value


# --- the first account -------------------------------------------------------------------------


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


# --- in and out --------------------------------------------------------------------------------


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


# --- an account's own things -------------------------------------------------------------------


def test_a_person_changes_the_password_and_stays_signed_in_here(app: Flask, rows: Database) -> None:
    an_admin(rows)
    here, there = signed_in(app, "Anna"), signed_in(app, "Anna")
    form = {"csrf_token": form_token(here, "/account/password"), "password": "battery staple"}
    assert here.post("/account/password", data={**form, "current": "wrong"}).status_code == 401
    done = here.post("/account/password", data={**form, "current": PASSWORD})
    assert (done.status_code, done.location) == (303, "/account")
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303
    assert sign_in(app.test_client(), "Anna").status_code == 401
    assert sign_in(app.test_client(), "Anna", "battery staple").status_code == 303


def test_a_key_is_shown_once_used_and_revoked(app: Flask, rows: Database) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")
    token = form_token(client, "/account")
    made = client.post("/account/keys", data={"csrf_token": token, "name": "<b>night</b>"})
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    assert "&lt;b&gt;night&lt;/b&gt;" in made.text
    found = re.search(r'<code class="text">(lsk_[\w-]+)</code>', made.text)
    assert found is not None
    assert found[1] not in client.get("/account").text
    program = app.test_client()
    header = {"Authorization": f"Bearer {found[1]}"}
    assert program.get("/api/v1/jobs", headers=header).status_code == 200
    assert program.get("/", headers=header).status_code == 303  # pages take no keys
    [key] = accounts.keys_of(rows, anna.id)
    client.post(f"/account/keys/{key.id}/revoke", data={"csrf_token": token})
    assert program.get("/api/v1/jobs", headers=header).status_code == 401
    refused = client.post("/account/keys", data={"csrf_token": token, "name": " "})
    assert refused.status_code == 400 and "what the key is for" in refused.text


def test_another_persons_key_is_not_revoked(app: Flask, rows: Database) -> None:
    anna, _ = an_admin(rows), a_person(rows)
    accounts.make_key(rows, user_id=anna.id, name="hers")
    [key] = accounts.keys_of(rows, anna.id)
    client = signed_in(app, "Bo")
    form = {"csrf_token": form_token(client, "/account")}
    assert client.post(f"/account/keys/{key.id}/revoke", data=form).status_code == 404
    assert len(accounts.keys_of(rows, anna.id)) == 1


# --- the people of a team ----------------------------------------------------------------------


def test_an_account_that_an_administrator_adds_chooses_its_own_password_first(
    app: Flask, rows: Database
) -> None:
    an_admin(rows)
    admin = signed_in(app, "Anna")
    token = form_token(admin, "/people")
    added = admin.post("/people", data={"csrf_token": token, "name": "Bo"})
    assert added.status_code == 201 and added.headers["Cache-Control"] == "no-store"
    found = re.search(r'<code class="text">([a-z0-9-]+)</code>', added.text)
    assert found is not None
    assert admin.post("/people", data={"csrf_token": token, "name": "BO"}).status_code == 409

    bo = app.test_client()
    assert sign_in(bo, "Bo", found[1]).status_code == 303
    for path in ("/", "/account", "/jobs/00000000-0000-0000-0000-000000000000"):
        assert bo.get(path).location == "/account/password"
        assert bo.get(path, headers={"Authorization": "x"}).location == "/account/password"
    assert bo.get("/api/v1/jobs").json["error"]["code"] == "password_is_temporary"  # type: ignore[index]
    form = {"csrf_token": form_token(bo, "/account/password"), "current": found[1]}
    assert bo.post("/account/password", data={**form, "password": PASSWORD}).status_code == 303
    assert bo.get("/").status_code == 200
    assert bo.get("/people").status_code == 403


def test_an_administrator_disables_enables_and_resets(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    admin, theirs = signed_in(app, "Anna"), signed_in(app, "Bo")
    form = {"csrf_token": form_token(admin, "/people")}
    assert admin.post(f"/people/{bo.id}/disable", data=form).location == "/people"
    assert theirs.get("/").status_code == 303
    assert sign_in(app.test_client(), "Bo").status_code == 401
    assert admin.post(f"/people/{bo.id}/enable", data=form).location == "/people"
    reset = admin.post(f"/people/{bo.id}/password", data=form)
    found = re.search(r'<code class="text">([a-z0-9-]+)</code>', reset.text)
    assert found is not None
    assert sign_in(app.test_client(), "Bo").status_code == 401
    assert sign_in(app.test_client(), "Bo", found[1]).status_code == 303
    admin.post(f"/people/{bo.id}/admin", data=form)
    assert accounts.person_named(rows, "Bo").is_admin
    admin.post(f"/people/{bo.id}/no-admin", data=form)
    assert not accounts.person_named(rows, "Bo").is_admin
    last = admin.post(f"/people/{anna.id}/disable", data=form)
    assert last.status_code == 409 and "only administrator" in last.text


# --- programs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["Bearer nonsense", "Bearer ", "Basic QW5uYTpwYXNz", "Bearer lsk_" + "A" * 43, "\u00e9"],
)
def test_a_key_that_is_none_is_refused_even_beside_a_good_cookie(
    app: Flask, rows: Database, header: str
) -> None:
    an_admin(rows)
    client = signed_in(app, "Anna")
    answer = client.get("/api/v1/jobs", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "unauthorized"  # type: ignore[index]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Longscribe"'


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


def test_the_api_takes_a_change_with_a_key_or_with_cookie_and_token_never_with_a_cookie_alone(
    app: Flask, rows: Database
) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")
    alone = submit(client)
    assert alone.status_code == 400
    assert alone.json["error"]["code"] == "csrf_failed"  # type: ignore[index]
    token = form_token(client, "/")
    client.environ_base["HTTP_X_CSRFTOKEN"] = token
    assert submit(client).status_code == 202
    client.environ_base["HTTP_X_CSRFTOKEN"] = token[::-1]
    assert submit(client).status_code == 400
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, anna)["Authorization"]
    assert submit(program).status_code == 202
    assert len(jobs.list_jobs(rows, owner_id=anna.id).jobs) == 2


def test_the_token_of_somebody_else_is_none(app: Flask, rows: Database) -> None:
    an_admin(rows)
    a_person(rows)
    anna, bo = signed_in(app, "Anna"), signed_in(app, "Bo")
    anna.environ_base["HTTP_X_CSRFTOKEN"] = form_token(bo, "/")
    assert submit(anna).status_code == 400


def test_what_machines_ask_stays_open_and_figures_over_all_are_an_administrators(
    app: Flask, client: FlaskClient, rows: Database
) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(rows, bo)).status_code == 403
    assert client.get("/metrics", headers=bearer(rows, anna)).status_code == 200


def test_two_peoples_jobs_take_turns(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    submitted: dict[str, list[str]] = {}
    for person, number in ((anna, 3), (bo, 2)):
        program = app.test_client()
        program.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, person)["Authorization"]
        answers = [submit(program, str(n).encode()) for n in range(number)]
        submitted[person.name] = [answer.json["id"] for answer in answers]  # type: ignore[index]
        listed = program.get("/api/v1/jobs").json["jobs"]  # type: ignore[index]
        assert {job["id"] for job in listed} == set(submitted[person.name])
    names = {job_id: name for name, ids in submitted.items() for job_id in ids}
    taken = []
    for _ in range(5):
        claimed = factories.claim(rows)
        factories.complete(rows, claimed)
        taken.append(names[claimed.job_id])
    assert taken == ["Anna", "Bo", "Anna", "Bo", "Anna"]


# --- without sign-in ---------------------------------------------------------------------------


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
    monkeypatch.setattr(
        app.extensions["longscribe"].db,
        "engine",
        Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing").engine,
    )
    for path in ("/", "/api/v1/jobs"):
        assert client.get(path).status_code == 503
