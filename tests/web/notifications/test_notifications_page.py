"""The page on which a person says how they want to be told, by forms alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.notifications import mail
from shared.webhooks.types import WebhookType
from tests.support.notifications import confirmation_token
from tests.support.web.web_app import make_app

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
    shown = mail.mail_of(rows, LOCAL_OWNER)
    assert shown is not None and shown.types == {WebhookType.FAILED}
    token = confirmation_token(rows, LOCAL_OWNER, "ann@example.org", again=True)
    link = f"/notifications/mail/confirm/{token}"
    assert "ann@example.org" in client.get(link).text
    assert not mail.mail_of(rows, LOCAL_OWNER).is_confirmed  # type: ignore[union-attr]
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
    assert mail.mail_of(rows, LOCAL_OWNER) is None


def test_what_is_no_address_comes_back_with_the_reason(client: FlaskClient, rows: Database) -> None:
    answer = client.post(
        "/notifications/mail", data={"address": "ann@"}, headers={"Accept-Language": "zh"}
    )
    assert answer.status_code == 422
    assert "这不是可以使用的邮箱地址" in answer.text and 'value="ann@"' in answer.text
    assert mail.mail_of(rows, LOCAL_OWNER) is None


def test_without_a_mail_server_none_is_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    made = make_app(sqlite_url, tmp_path)
    made.config["WTF_CSRF_ENABLED"] = False
    client = made.test_client()
    assert "has set up no mail server" in client.get("/notifications").text
    assert client.post("/notifications/mail", data={"address": "a@b.org"}).status_code == 403
