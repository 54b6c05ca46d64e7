"""The page on which a person says how they want to be told, by forms alone."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.notifications import mail_address, push
from shared.notifications.vapid import application_server_key
from shared.webhooks.types import WebhookType
from tests.support.notifications import a_device, confirmation_token
from tests.support.people import an_admin, quick_hashes, sign_in
from tests.support.web.web_app import database, make_app

MAIL = {"mail_host": "mail.example", "mail_from": "ls@example.org"}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Flask:
    made = make_app(sqlite_url, tmp_path, **MAIL)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def test_an_address_is_saved_confirmed_and_removed(client: FlaskClient, rows: Database) -> None:
    said = client.post(
        "/notifications/mail",
        data={"address": "ann@example.org", "types": "job.failed"},
        follow_redirects=True,
    ).text
    assert "A link is on its way" in said and "not confirmed yet" in said
    shown = mail_address.mail_of(rows, LOCAL_OWNER)
    assert shown is not None and shown.types == {WebhookType.FAILED}
    token = confirmation_token(rows, LOCAL_OWNER, "ann@example.org", again=True)
    link = f"/notifications/mail/confirm/{token}"
    assert "ann@example.org" in client.get(link).text
    assert not mail_address.mail_of(rows, LOCAL_OWNER).is_confirmed  # type: ignore[union-attr]
    assert "is confirmed" in client.post(link, follow_redirects=True).text
    assert "not confirmed yet" not in client.get("/notifications").text
    again = client.post(
        "/notifications/mail",
        data={"address": "ann@example.org", "types": ["job.failed", "job.completed"]},
        follow_redirects=True,
    )
    assert "It is saved." in again.text
    assert client.get("/notifications/mail/confirm/other").status_code == 404
    client.post("/notifications/mail/remove")
    assert mail_address.mail_of(rows, LOCAL_OWNER) is None


def test_what_is_no_address_comes_back_with_the_reason(client: FlaskClient, rows: Database) -> None:
    answer = client.post(
        "/notifications/mail", data={"address": "ann@"}, headers={"Accept-Language": "zh"}
    )
    assert answer.status_code == 422
    assert "这不是可以使用的邮箱地址" in answer.text and 'value="ann@"' in answer.text
    assert mail_address.mail_of(rows, LOCAL_OWNER) is None


def test_without_a_mail_server_none_is_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    made = make_app(sqlite_url, tmp_path)
    made.config["WTF_CSRF_ENABLED"] = False
    client = made.test_client()
    assert "has set up no mail server" in client.get("/notifications").text
    assert client.post("/notifications/mail", data={"address": "a@b.org"}).status_code == 403


def test_a_page_tells_one_sign_in_from_another(sqlite_url: str, tmp_path: Path) -> None:
    made = make_app(sqlite_url, tmp_path, sign_in="required")
    with quick_hashes():
        an_admin(database(made))
        marks = []
        for _ in range(2):
            client = made.test_client()
            assert sign_in(client, "Anna").status_code == 303
            found = [
                re.findall('<meta name="sign-in" content="([0-9a-f]{16})">', client.get(path).text)
                for path in ("/notifications", "/words")
            ]
            assert found[0] == found[1]
            marks += found[0]
    assert len(set(marks)) == 2


def test_a_browser_is_added_tested_and_removed(sqlite_url: str, tmp_path: Path) -> None:
    made = make_app(sqlite_url, tmp_path, push_contact="mailto:ops@example.org")
    made.config["WTF_CSRF_ENABLED"] = False
    client, db = made.test_client(), database(made)
    assert f'data-key="{application_server_key(db)}"' in client.get("/notifications").text
    given = asdict(a_device().subscription("https://push.example/a"))
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    answer = client.post("/notifications/browsers", data=given, headers={"User-Agent": firefox})
    assert answer.status_code == 201, answer.text
    assert "Firefox, Linux" in client.get("/notifications").text
    (browser,) = push.browsers_of(db, LOCAL_OWNER)
    own = f"/notifications/browsers/{browser.id}"
    assert "A test is on its way" in client.post(f"{own}/test", follow_redirects=True).text
    assert "An earlier test waits to be sent" in client.post(f"{own}/test").text
    said = client.post(f"{own}/remove", follow_redirects=True).text
    assert "no longer told" in said and "Firefox" not in said
    refused = client.post(
        "/notifications/browsers",
        data=given | {"p256dh": "x"},
        headers={"Accept": "application/json"},
    )
    assert refused.status_code == 422 and refused.json is not None
    assert refused.json["error"]["code"] == "unusable_subscription"
