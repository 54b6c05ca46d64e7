"""Signing in at an OpenID Connect provider, one that really answers on loopback."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts
from shared.accounts import Person
from shared.db import Database
from tests.support.oidc.provider import FakeProvider, sign_in_at, signed_in_there
from tests.support.people import PASSWORD, a_person, form_token, sign_in, signed_in
from tests.web.accounts.oidc.conftest import MakeOffice
from web.pages.accounts import begun_sign_ins


def named(db: Database, name: str) -> Person:
    return accounts.person_named(db, name)


def test_the_first_sign_in_makes_an_account_and_the_next_finds_it(
    app: Flask, client: FlaskClient, rows: Database, provider: FakeProvider
) -> None:
    provider.person |= {"preferred_username": "Bo"}
    page = client.get("/voices")
    page = client.get(page.location)
    (button,) = re.findall(r'href="(/sign-in/office[^"]*)"', page.text)
    before = form_token(client)
    there = client.get(button).location
    asked = parse_qs(urlsplit(there).query)
    assert asked["redirect_uri"] == ["http://localhost/sign-in/office/answer"]
    planted = client.get_cookie("longscribe")
    back = client.get(signed_in_there(there))
    assert (back.status_code, back.location) == (303, "/voices")
    assert back.headers["Cache-Control"] == "no-store"
    cookie = client.get_cookie("longscribe")
    assert cookie and planted and cookie.value != planted.value
    assert form_token(client, "/account") != before
    assert "Bo" in client.get("/account").text and not named(rows, "Bo").is_admin
    assert client.get("/sign-in/office?next=/voices").location == "/voices"  # already signed in
    assert sign_in_at(app.test_client()).location == "/"
    assert len(accounts.people(rows)) == 2
    wrong = sign_in(app.test_client(), "Bo", "")
    assert wrong.status_code == 401  # it has no password


def test_a_name_or_an_address_never_leads_to_an_account_that_is_there(
    app: Flask, rows: Database, provider: FakeProvider
) -> None:
    provider.person |= {"preferred_username": "ANNA", "email": "Anna", "email_verified": True}
    assert sign_in_at(app.test_client()).status_code == 303
    made = named(rows, "ANNA 2")
    assert not made.is_admin and made.id != named(rows, "Anna").id
    provider.person = {"sub": "u-2", "preferred_username": "Anna"}
    assert sign_in_at(app.test_client()).status_code == 303
    assert named(rows, "Anna 3").id != made.id


def test_nobody_comes_in_who_may_not(
    make_office: MakeOffice, rows: Database, provider: FakeProvider
) -> None:
    asked = {
        "create_accounts": False,
        "allowed_groups": ["staff"],
        "required_claims": {"hd": "example.org"},
    }
    client = make_office(**asked).test_client()
    provider.person |= {"groups": ["staff"], "hd": "example.org"}
    assert "no account here yet" in sign_in_at(client).text
    for changes in (
        {"groups": ["guests"]},
        {"groups": "staffing"},
        {"hd": "example.com"},
        {"hd": 1},
    ):
        provider.lies = changes
        refused = sign_in_at(client)
        assert (refused.status_code, "may not use" in refused.text) == (403, True), changes
    assert [one.name for one in accounts.people(rows)] == ["Anna"]
    assert client.get("/").status_code == 303


def test_a_group_makes_an_administrator_and_its_loss_takes_that_away(
    make_office: MakeOffice, rows: Database, provider: FakeProvider
) -> None:
    """The groups come from where only the userinfo endpoint tells them."""
    app = make_office(admin_groups=["admins"], groups_claim="realm_access.roles")
    provider.told_when_asked = {"realm_access": {"roles": ["staff", "admins"]}, "name": "Bo"}
    assert sign_in_at(client := app.test_client()).status_code == 303
    assert named(rows, "Bo").is_admin and client.get("/people").status_code == 200
    provider.told_when_asked = {"realm_access": {"roles": ["staff"]}}
    assert sign_in_at(again := app.test_client()).status_code == 303
    assert not named(rows, "Bo").is_admin and again.get("/people").status_code == 403
    assert client.get("/people").status_code == 403  # where they were signed in before, too


def test_the_only_administrator_stays_one(
    make_office: MakeOffice, provider: FakeProvider, rows: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    app = make_office(admin_groups=["admins"])
    provider.person |= {"preferred_username": "Bo", "groups": ["admins"]}
    sign_in_at(app.test_client())
    accounts.disable(rows, named(rows, "Anna").id)
    provider.person["groups"] = []
    assert sign_in_at(app.test_client()).status_code == 303
    assert named(rows, "Bo").is_admin and "only administrator" in capsys.readouterr().err


def test_a_disabled_account_stays_out(app: Flask, rows: Database, provider: FakeProvider) -> None:
    provider.person |= {"preferred_username": "Bo"}
    sign_in_at(client := app.test_client())
    accounts.disable(rows, named(rows, "Bo").id)
    refused = sign_in_at(app.test_client())
    assert refused.status_code == 403 and "is disabled" in refused.text
    assert client.get("/").status_code == 303


def test_signing_out_leads_on_to_the_provider(app: Flask, provider: FakeProvider) -> None:
    sign_in_at(client := app.test_client())
    token = form_token(client, "/account")
    page = client.post("/sign-out", data={"csrf_token": token})
    url = page.headers["Refresh"].removeprefix("0; url=")
    assert url.startswith(f"{provider.issuer}/logout?") and "Sign out" not in page.text
    asked = parse_qs(urlsplit(url).query)
    assert asked["post_logout_redirect_uri"] == ["http://localhost/sign-in"]
    assert page.headers["Clear-Site-Data"] and client.get("/account").status_code == 303


def test_an_account_is_connected_by_its_person_only(
    app: Flask, rows: Database, provider: FakeProvider
) -> None:
    bo, eve = a_person(rows, "Bo"), a_person(rows, "Eve")
    client = signed_in(app, "Bo")

    def begin(who: FlaskClient) -> str:
        fields = {"csrf_token": form_token(who, "/account"), "password": PASSWORD}
        wrong = who.post("/account/connections/office", data={**fields, "password": "wrong"})
        assert "Refresh" not in wrong.headers and "not right" in wrong.text
        page = who.post("/account/connections/office", data=fields)
        return signed_in_there(page.headers["Refresh"].removeprefix("0; url="))

    back = begin(client)
    # Nobody connects an account by making its browser open an address of theirs.
    assert "not begun in this browser" in signed_in(app, "Eve").get(back).text
    assert client.get(back).location == "/account"
    assert "Disconnect Office" in client.get("/account").text
    refused = (stranger := signed_in(app, "Eve")).get(begin(stranger))
    assert refused.status_code == 409 and "another account already" in refused.text
    assert sign_in_at(other := app.test_client()).status_code == 303
    assert "Bo" in other.get("/account").text
    (one,) = accounts.connections_of(rows, bo.id)
    foreign = {"csrf_token": form_token(stranger, "/account")}
    path = f"/account/connections/{one.id}/remove"
    assert stranger.post(path, data=foreign).status_code == 404
    assert accounts.connections_of(rows, bo.id) == [one]
    gone = {"csrf_token": form_token(client, "/account")}
    assert client.post(f"/account/connections/{one.id}/remove", data=gone).status_code == 303
    assert accounts.connections_of(rows, bo.id) == accounts.connections_of(rows, eve.id) == []
    # Who has no password keeps the one way in.
    sign_in_at(alone := app.test_client())
    (person,) = [each for each in accounts.people(rows) if not each.has_password]
    (one,) = accounts.connections_of(rows, person.id)
    gone = {"csrf_token": form_token(alone, "/account")}
    kept = alone.post(f"/account/connections/{one.id}/remove", data=gone)
    assert kept.status_code == 409 and accounts.connections_of(rows, person.id)
    assert "Change the password" not in kept.text


def test_the_client_proves_itself_as_the_provider_asks(
    make_office: MakeOffice, provider: FakeProvider
) -> None:
    provider.client_proves_by = "client_secret_post"
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert sign_in_at(make_office().test_client()).status_code == 303
    provider.client_proves_by = "none"
    assert sign_in_at(make_office(client_secret=None).test_client()).status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_no_answer_leads_to_another_site(app: Flask, target: str) -> None:
    assert sign_in_at(app.test_client(), target).location == "/"


def test_it_works_below_the_path_of_a_proxy(app: Flask, provider: FakeProvider) -> None:
    client = app.test_client()
    client.environ_base |= {
        "HTTP_X_FORWARDED_PREFIX": "/transcripts",
        "HTTP_X_FORWARDED_HOST": "office.example",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
    }
    site = "https://office.example/"
    begin = "/transcripts/sign-in/office?next=/transcripts/voices"
    back = signed_in_there(client.get(begin, base_url=site).location)
    assert back.startswith("https://office.example/transcripts/sign-in/office/answer?")
    assert client.get(back, base_url=site).location == "/transcripts/voices"


def test_an_answer_is_of_use_once_in_its_browser_and_in_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    back = signed_in_there(client.get("/sign-in/office").location)
    assert app.test_client().get(back).status_code == 400
    assert client.get("/sign-in/office/answer?state=&code=x").status_code == 400
    assert client.get(back).status_code == 303
    late = app.test_client()
    back_late = signed_in_there(late.get("/sign-in/office").location)
    with monkeypatch.context() as patched:
        then = time.time() + begun_sign_ins.LASTS_S + 1
        patched.setattr("web.pages.accounts.begun_sign_ins.time.time", lambda: then)
        assert late.get(back_late).status_code == 400
    twice = app.test_client()
    declined = signed_in_there(twice.get("/sign-in/office").location) + "&error=access_denied"
    assert twice.get(declined).status_code == 403
    assert twice.get(declined).status_code == 400
    assert client.get("/sign-in/nobody").status_code == 404
