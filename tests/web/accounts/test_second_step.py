"""The pages of the second step: adding an app, signing in with it, and taking it off."""

from __future__ import annotations

import html
import re
import time

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts
from shared.db import Database
from tests.support.people import (
    PASSWORD,
    a_person,
    an_admin,
    bearer,
    form_token,
    sign_in,
    signed_in,
)

PAGE = "/account/authenticator"


def post(client: FlaskClient, path: str, **fields: str) -> str:
    data = {"csrf_token": form_token(client, PAGE), **fields}
    answer = client.post(path, data=data, follow_redirects=True)
    assert "no-store" in answer.headers["Cache-Control"] or not answer.request.path.startswith(PAGE)
    return answer.text


def add_app(client: FlaskClient) -> tuple[str, list[str]]:
    """Returns the app's code that was used for it, and the recovery codes."""
    assert "not right" in post(client, PAGE, password="wrong")
    page = post(client, PAGE, password=PASSWORD)
    secret = re.search(r'id="totp-secret"><code class="text">([A-Z2-7 ]+)<', page)
    assert secret and "<svg" in page and "<script>" not in page
    app = pyotp.TOTP(secret[1].replace(" ", ""))
    assert secret[1] in post(client, f"{PAGE}/confirm", code="000 00")
    code = app.now()
    shown = post(client, f"{PAGE}/confirm", code=code, once="form-1")
    codes = re.findall(r'<li><code class="text">([a-z0-9-]{19})</code>', shown)
    assert len(codes) == 10
    assert client.get(f"{PAGE}/confirm").location == PAGE
    again = post(client, f"{PAGE}/confirm", code=code, once="form-1")
    assert "done already" in again and codes[0] not in again and secret[1] not in again
    return code, codes


def test_an_app_is_added_asked_for_and_taken_off(app: Flask, rows: Database) -> None:
    anna = an_admin(rows)
    key = bearer(rows, anna)
    client = signed_in(app, "Anna")
    used_code, codes = add_app(client)
    other = app.test_client()
    assert other.get("/second-step").location == "/sign-in"
    first = sign_in(other, "Anna", next="/voices")
    assert first.location == "/second-step" and other.get("/").status_code == 303
    token = form_token(other, "/second-step")
    wrong = other.post("/second-step", data={"csrf_token": token, "code": "12345"})
    assert wrong.status_code == 401 and 'aria-invalid="true"' in wrong.text
    used = other.post("/second-step", data={"csrf_token": token, "code": used_code})
    assert used.status_code == 401  # it was, when the app was added
    done = other.post("/second-step", data={"csrf_token": token, "code": codes[0]})
    assert (done.status_code, done.location) == (303, "/voices")
    assert "9 recovery codes are left" in other.get(PAGE).text
    assert other.get("/second-step").location == "/sign-in"  # no code is asked for any more
    assert app.test_client().get("/api/v1/jobs", headers=key).status_code == 200
    kept = post(client, f"{PAGE}/remove", password=PASSWORD, code="000 00")
    assert "not right" in kept and accounts.has_authenticator(rows, anna.id)
    post(client, f"{PAGE}/remove", password=PASSWORD, code=codes[1])
    assert not accounts.has_authenticator(rows, anna.id)
    assert sign_in(app.test_client(), "Anna").location == "/"


def test_the_password_is_forgotten_after_some_minutes(
    app: Flask, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = an_admin(rows)
    accounts.begin_enrolment(rows, anna.id)
    secret = accounts.secret_to_confirm(rows, anna.id) or ""
    limit = accounts.AttemptLimit(3, 600)
    now = pyotp.TOTP(secret).now()
    codes = accounts.confirm(rows, limit, user_id=anna.id, code=now, address="192.0.2.1")
    client = app.test_client()
    assert sign_in(client, "Anna", next="//evil.example").location == "/second-step"
    data = {"csrf_token": form_token(client, "/second-step"), "code": codes[0]}
    with monkeypatch.context() as patched:
        then = time.time() + 301
        patched.setattr("web.pages.accounts.begun_sign_ins.time.time", lambda: then)
        assert client.post("/second-step", data=data).location == "/sign-in"
    assert client.post("/second-step", data=data).location == "/"


def test_an_administrator_takes_it_off(app: Flask, rows: Database) -> None:
    an_admin(rows)
    bo = a_person(rows)
    add_app(signed_in(app, "Bo"))
    client = signed_in(app, "Anna")
    page = client.get("/people").text
    (path,) = re.findall(r'formaction="(/people/[^"]+/second-step/remove)"', html.unescape(page))
    data = {"csrf_token": form_token(client, "/people"), "sure": "yes"}
    assert client.post(path, data=data).status_code == 303
    assert not accounts.has_authenticator(rows, bo.id)
    assert "second-step/remove" not in client.get("/people").text
    assert sign_in(app.test_client(), "Bo").location == "/"
